-- The real server on the simulator: ghost text in an unnamed buffer, taken; then what it says of itself.

return function(editor)
  local report = editor.report
  editor.lua("require('codriver').setup(...)", { cmd = { vim.env.PYTHON, '-m', 'codriver', 'lsp', '--stdio' } })
  editor.keys(':setfiletype python<CR>i')
  editor.await('a client', "require('codriver.client').of(0) ~= nil", 10000)
  editor.keys('def add(a, b):<CR>    """Adds two numbers: 😀."""<CR>')
  -- Letter by letter: what comes all at once is taken for pasted.
  for letter in ('re'):gmatch('.') do
    local typed = #editor.text() + 1
    editor.keys(letter)
    editor.await('the letter', ("#table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') == %d"):format(typed))
  end
  editor.await('ghost text', editor.GHOST .. ' ~= nil', 10000)
  report.typed = editor.text()
  report.shown = editor.lua('return ' .. editor.GHOST)
  editor.keys('<Tab>')
  editor.await('the text', ("#table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') > %d"):format(#report.typed))
  report.text = editor.text()
  editor.keys('<Esc>')
  editor.await('the status line', "require('codriver').statusline():match('codriver: .') ~= nil")
  report.statusline = editor.lua("return require('codriver').statusline()")
  editor.keys(':CodriverWhy<CR>')
  editor.await('a window', "#vim.api.nvim_list_wins() == 2 and vim.bo.filetype == 'json'")
  report.explained = vim.fn.json_decode(editor.text())
end
