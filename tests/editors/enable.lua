-- Without setup(): vim.lsp.enable('codriver') alone starts the server for a file, and suggestions come.

return function(editor)
  editor.lua([[
    vim.cmd('filetype on')
    vim.lsp.config('codriver', { cmd = { ... } })
    vim.lsp.enable('codriver')
    vim.cmd('edit fresh.py')
  ]], vim.env.PYTHON, vim.env.FAKE)
  editor.await('a client', '#require("codriver.client").all(0) == 1')
  editor.keys('iretu')
  editor.await('a suggestion', editor.GHOST .. ' ~= nil')
  editor.keys('<Tab>')
  editor.await('the whole', 'vim.api.nvim_buf_line_count(0) == 5')
  editor.report.text = editor.text()
end
