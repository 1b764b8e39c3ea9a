--- Places in the current buffer as the server wants them: its address, ranges, the editor's own findings.

local client = require('codriver.client')
local position = require('codriver.position')

local M = {}

local api = vim.api

local function encoding()
  local server = client.of(api.nvim_get_current_buf())
  return server and server.offset_encoding or 'utf-16'
end

local function at(row, column)
  local line = api.nvim_buf_get_lines(0, row, row + 1, false)[1] or ''
  return { line = row, character = position.to_protocol(line, column, encoding()) }
end

--- The address of the current buffer.
function M.uri()
  return vim.uri_from_bufnr(0)
end

--- Whole lines (from 1, inclusive).
function M.lines(first, last)
  return { start = at(first - 1, 0), ['end'] = at(last - 1, math.huge) }
end

--- The lines a command was given, or the cursor as an empty range.
function M.asked(arguments)
  if arguments.range and arguments.range > 0 then
    return M.lines(arguments.line1, arguments.line2)
  end
  local cursor = api.nvim_win_get_cursor(0)
  local place = at(cursor[1] - 1, cursor[2])
  return { start = place, ['end'] = place }
end

--- What linters and compilers say of the lines a command was given, or of the cursor's.
function M.diagnostics(arguments)
  local first, last = arguments.line1 or api.nvim_win_get_cursor(0)[1], arguments.line2 or api.nvim_win_get_cursor(0)[1]
  local found = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    if one.lnum < last and (one.end_lnum or one.lnum) >= first - 1 then
      found[#found + 1] = {
        range = { start = at(one.lnum, one.col), ['end'] = at(one.end_lnum or one.lnum, one.end_col or one.col) },
        severity = one.severity,
        source = one.source,
        message = one.message,
      }
    end
  end
  return found
end

return M
