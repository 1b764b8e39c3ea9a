--- Ghost text by Neovim 0.12's own vim.lsp.inline_completion; the same verbs as `codriver.ghost`.

local unit = require('codriver.unit')

local M = {}

---@return boolean
function M.available()
  return type(vim.lsp.inline_completion) == 'table' and type(vim.lsp.inline_completion.get) == 'function'
end

--- Is a suggestion on screen? Told by what the editor has drawn.
function M.visible(buf)
  local space = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
  return #vim.api.nvim_buf_get_extmarks(buf, space, 0, -1, { limit = 1 }) > 0
end

--- Makes the editor ask, as it does by itself 200 ms after a key; it has no public word for this.
function M.invoke(buf)
  local group = 'nvim.lsp.inline_completion:' .. buf
  pcall(vim.api.nvim_exec_autocmds, 'InsertEnter', { group = group, buffer = buf, modeline = false })
end

--- Clients are on by default, buffers are off.
function M.attach(buf)
  vim.lsp.inline_completion.enable(true, { bufnr = buf })
  if vim.api.nvim_get_mode().mode:sub(1, 1) == 'i' then
    M.invoke(buf)
  end
end

function M.detach() end -- the editor ends it with the client

--- The beginning of the suggestion that already stands before the cursor.
local function typed(buf, item)
  if not item.range then
    return ''
  end
  local row, col = item.range:to_extmark()
  local at = vim.api.nvim_win_get_cursor(0)
  return table.concat(vim.api.nvim_buf_get_text(buf, row, col, at[1] - 1, at[2], {}), '\n')
end

--- Writes the next word or line at the cursor by hand; the whole is left to the editor.
local function partly(buf, item, which)
  local text = item.insert_text
  if type(text) ~= 'string' then
    return item
  end
  local before = typed(buf, item)
  local rest = vim.startswith(text, before) and text:sub(#before + 1) or ''
  local part = unit.first(rest, which)
  if rest == '' or part == rest then
    return item
  end
  local lines = vim.split(part, '\n', { plain = true })
  local at = vim.api.nvim_win_get_cursor(0)
  vim.api.nvim_buf_set_text(buf, at[1] - 1, at[2], at[1] - 1, at[2], lines)
  local last = #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { at[1] + #lines - 1, #lines == 1 and at[2] + last or last })
  return nil
end

--- Takes the suggestion shortly after; false when there is none.
---@param buf integer
---@param which 'all'|'word'|'line'
---@return boolean
function M.accept(buf, which)
  if which == 'all' then
    return vim.lsp.inline_completion.get({ bufnr = buf })
  end
  return vim.lsp.inline_completion.get({
    bufnr = buf,
    on_accept = function(item)
      return partly(buf, item, which)
    end,
  })
end

--- The editor has no word for this: off and on again takes what is shown away.
function M.dismiss(buf)
  vim.lsp.inline_completion.enable(false, { bufnr = buf })
  vim.lsp.inline_completion.enable(true, { bufnr = buf })
end

function M.cycle(buf, step)
  vim.lsp.inline_completion.select({ bufnr = buf, count = step })
end

return M
