-- copilot-lsp as it is, its server's command found on PATH: a name is changed, the next edit is shown and taken.

return function(editor)
  local report = editor.report
  editor.lua([[
    vim.o.runtimepath = ... .. ',' .. vim.o.runtimepath
    vim.g.copilot_nes_debounce = 50
    vim.cmd('filetype on')
    vim.lsp.enable('copilot_ls')
    vim.cmd('edit prices.py')
  ]], vim.env.COPILOT_LSP)
  editor.await('a client', '#vim.lsp.get_clients({ name = "copilot_ls" }) == 1 and vim.lsp.get_clients({ name = "copilot_ls" })[1].initialized', 30000)
  report.encoding = editor.lua('return vim.lsp.get_clients({ name = "copilot_ls" })[1].offset_encoding')
  report.server = editor.lua('return vim.lsp.get_clients({ name = "copilot_ls" })[1].server_info.name')
  editor.keys('1G0wcwsum_of<Esc>')
  editor.await('the next edit', 'vim.b.nes_state', 20000)
  report.edit = editor.lua('return vim.b.nes_state')
  report.marks = editor.lua([[
    local space = vim.api.nvim_get_namespaces()['copilotlsp.nes']
    return #vim.api.nvim_buf_get_extmarks(0, space, 0, -1, {})
  ]])
  local before = editor.text()
  editor.lua('return require("copilot-lsp.nes").apply_pending_nes()')
  editor.await('the edit', ('table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\\n") ~= %q'):format(before), 10000)
  report.text = editor.text()
  report.messages = editor.lua("return vim.api.nvim_exec('messages', true)")
end
