--- What is shown in windows of its own: texts, and a change before it is made.

local M = {}

local api = vim.api

local function scratch(name, lines, filetype)
  local buf = api.nvim_get_current_buf()
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = 'nofile', 'wipe', false
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].filetype = filetype
  api.nvim_buf_set_name(buf, ('codriver://%s/%d'):format(name, buf))
  return buf
end

--- A value as JSON, over several lines.
local function pretty(value)
  local flat = vim.fn.json_encode(value)
  local program = vim.fn.exepath('python3')
  if program == '' then
    return flat
  end
  local long = vim.fn.system({ program, '-m', 'json.tool', '--no-ensure-ascii' }, flat)
  return vim.v.shell_error == 0 and long or flat
end

--- Shows Markdown, or a value as JSON, in a window below; `q` closes it.
---@param title string
---@param text string|table
function M.show(title, text)
  local markdown = type(text) == 'string'
  local shown = markdown and text or pretty(text)
  vim.cmd('botright new')
  local lines = vim.split(vim.trim(shown), '\n', { plain = true })
  local buf = scratch(title, lines, markdown and 'markdown' or 'json')
  vim.bo[buf].modifiable = false
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, nowait = true })
end

--- The text edits a workspace edit has for an address.
local function edits_of(edit, uri)
  local found = {}
  for _, change in ipairs(edit.documentChanges or {}) do
    if change.textDocument and change.textDocument.uri == uri then
      vim.list_extend(found, change.edits)
    end
  end
  return #found > 0 and found or (edit.changes or {})[uri] or {}
end

--- Shows a change beside the current buffer as a difference: `do` takes a hunk over, `q` closes the proposal.
---@param edit table the protocol's WorkspaceEdit
---@param encoding string
---@return boolean shown false when the edit has nothing for this buffer
function M.preview(edit, encoding)
  local buf, win = api.nvim_get_current_buf(), api.nvim_get_current_win()
  local edits = edits_of(edit, vim.uri_from_bufnr(buf))
  if #edits == 0 then
    return false
  end
  vim.cmd('diffthis')
  vim.cmd('rightbelow vnew')
  local proposal = scratch('proposal', api.nvim_buf_get_lines(buf, 0, -1, false), vim.bo[buf].filetype)
  vim.lsp.util.apply_text_edits(edits, proposal, encoding)
  vim.cmd('diffthis')
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = proposal, nowait = true })
  api.nvim_create_autocmd('BufWipeout', {
    buffer = proposal,
    callback = function()
      if api.nvim_win_is_valid(win) then
        api.nvim_win_call(win, function()
          vim.cmd('diffoff')
        end)
      end
    end,
  })
  api.nvim_set_current_win(win)
  return true
end

return M
