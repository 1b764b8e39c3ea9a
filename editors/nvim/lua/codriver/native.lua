--- Ghost text by Neovim 0.12's own vim.lsp.inline_completion; the same verbs as `codriver.ghost`.
---
--- The editor draws and asks; what is taken is written here, because letters that are typed while an answer is on its
--- way would otherwise stand twice, and because the editor takes no words or lines.

local fate = require('codriver.fate')
local unit = require('codriver.unit')

local M = {}

local api = vim.api
local asked = {} ---@type table<integer, {row: integer, length: integer}> the cursor's line when the server was asked

---@return boolean
function M.available()
  return type(vim.lsp.inline_completion) == 'table' and type(vim.lsp.inline_completion.get) == 'function'
end

--- Is a suggestion on screen? Told by what the editor has drawn.
function M.visible(buf)
  local space = api.nvim_create_namespace('nvim.lsp.inline_completion')
  return #api.nvim_buf_get_extmarks(buf, space, 0, -1, { limit = 1 }) > 0
end

--- Makes the editor ask, as it does by itself 200 ms after a key; it has no public word for this.
function M.invoke(buf)
  local group = 'nvim.lsp.inline_completion:' .. buf
  pcall(api.nvim_exec_autocmds, 'InsertEnter', { group = group, buffer = buf, modeline = false })
end

local function remember(event)
  local request = event.data and event.data.request or {}
  if request.type == 'pending' and request.method == 'textDocument/inlineCompletion' then
    asked[event.buf] = { row = api.nvim_win_get_cursor(0)[1] - 1, length = #api.nvim_get_current_line() }
  end
end

--- Clients are on by default, buffers are off.
function M.attach(buf)
  local group = api.nvim_create_augroup('codriver.native.' .. buf, { clear = true })
  api.nvim_create_autocmd('LspRequest', { group = group, buffer = buf, callback = remember })
  vim.lsp.inline_completion.enable(true, { bufnr = buf })
  if api.nvim_get_mode().mode:sub(1, 1) == 'i' then
    M.invoke(buf)
  end
end

function M.detach(buf)
  api.nvim_create_augroup('codriver.native.' .. buf, { clear = true })
  vim.lsp.inline_completion.enable(false, { bufnr = buf })
end

--- Where the item's text goes now, as (row, col, row, col), and what of it is there already; nil when the text has
--- become another one since.
local function place(buf, item)
  local at = api.nvim_win_get_cursor(0)
  local row, col = at[1] - 1, at[2]
  if not item.range then
    return { row, col, row, col }, ''
  end
  local top, left, bottom, right = item.range:to_extmark()
  if row < top or (row == top and col < left) then
    return nil
  end
  local was = asked[buf]
  if was and was.row == bottom then
    right = right + #(api.nvim_buf_get_lines(buf, bottom, bottom + 1, false)[1] or '') - was.length
  end
  local typed = table.concat(api.nvim_buf_get_text(buf, top, left, row, col, {}), '\n')
  if not vim.startswith(item.insert_text, typed) then
    return nil
  end
  return { row, col, row, row == bottom and math.max(col, right) or col }, typed
end

--- Writes the rest of the item, or the next part of it, at the cursor.
local function write(buf, item, which)
  local where, typed = place(buf, item)
  if not where then
    return
  end
  local rest = item.insert_text:sub(#typed + 1)
  local part = which == 'all' and rest or unit.first(rest, which)
  local whole = part == rest
  local lines = vim.split(part, '\n', { plain = true })
  api.nvim_buf_set_text(buf, where[1], where[2], where[3], whole and where[4] or where[2], lines)
  local last = #lines[#lines]
  api.nvim_win_set_cursor(0, { where[1] + #lines, #lines == 1 and where[2] + last or last })
  fate[whole and 'accepted' or 'partly_accepted'](buf, item)
end

--- Takes the suggestion shortly after; false when there is none.
---@param buf integer
---@param which 'all'|'word'|'line'
---@return boolean
function M.accept(buf, which)
  return vim.lsp.inline_completion.get({
    bufnr = buf,
    on_accept = function(item)
      if type(item.insert_text) ~= 'string' then
        return item -- another server's snippet
      end
      write(buf, item, which)
    end,
  })
end

--- Takes the suggestion away because the user does not want it, and tells the server.
function M.reject(buf)
  vim.lsp.inline_completion.get({
    bufnr = buf,
    on_accept = function(item)
      fate.rejected(buf, item)
    end,
  })
end

function M.cycle(buf, step)
  vim.lsp.inline_completion.select({ bufnr = buf, count = step })
end

return M
