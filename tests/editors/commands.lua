-- Review, refactor, explain and the status line in an unnamed buffer, whose address Neovim cannot resolve.

return function(editor)
  local report = editor.report
  editor.lua("require('codriver').setup(...)", { cmd = { vim.env.PYTHON, vim.env.SERVER } })
  editor.keys('ié = "😀"<CR>last = 1<Esc>')
  editor.await('a client', "require('codriver.client').of(0) ~= nil")

  editor.keys(':CodriverReview<CR>')
  editor.await('a finding', '#vim.diagnostic.get(0) == 1')
  report.findings = editor.lua('return vim.diagnostic.get(0)')
  editor.keys(':CodriverReview!<CR>')

  editor.keys(':1CodriverRefactor x = "é"<CR>')
  editor.await('the change', "vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == 'x = \"é\"'")
  report.text = editor.text()

  editor.await('the status line', "require('codriver').statusline():match('simulated') ~= nil")
  report.statusline = editor.lua("return require('codriver').statusline()")

  editor.keys(':CodriverExplain<CR>')
  editor.await('a window', "#vim.api.nvim_list_wins() == 2 and vim.bo.filetype == 'json'")
  report.explained = editor.text()
  report.asked = vim.fn.json_decode(report.explained).asked
  editor.keys('q')
  editor.await('the window closes', '#vim.api.nvim_list_wins() == 1')
end
