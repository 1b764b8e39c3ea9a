-- More letters are typed while the suggestion for the first ones stands, and it is taken at once.

return function(editor)
  editor.lua("require('codriver').setup(...)", {
    cmd = { vim.env.PYTHON, vim.env.FAKE },
    delay = 5,
    engine = vim.env.ENGINE or 'ghost',
  })
  editor.keys('iif x: re')
  editor.await('a suggestion', editor.GHOST .. ' ~= nil')
  editor.keys('tu<Tab>')
  editor.await('the whole', 'vim.api.nvim_buf_line_count(0) == 5')
  editor.report.text = editor.text()
end
