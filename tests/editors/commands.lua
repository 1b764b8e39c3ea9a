-- The commands in an unnamed buffer, whose address Neovim cannot resolve, and the status line.

return function(editor)
  local report = editor.report
  editor.lua("require('codriver').setup(...)", { cmd = { vim.env.PYTHON, vim.env.FAKE } })
  editor.keys('ié = "😀"<CR>last = 1<Esc>')
  editor.await('a client', "require('codriver.client').of(0) ~= nil")

  editor.keys(':CodriverReview<CR>')
  editor.await('a finding', '#vim.diagnostic.get(0) == 1')
  report.findings = editor.lua('return vim.diagnostic.get(0)')
  editor.keys(':1CodriverFix!<CR>')
  editor.await('a difference', '#vim.api.nvim_list_wins() == 2 and vim.wo.diff')
  report.proposed = editor.lua([[
    local other = vim.fn.winbufnr(3 - vim.fn.winnr())
    return vim.api.nvim_buf_get_lines(other, 0, -1, false)
  ]])
  report.kept = editor.text()
  editor.keys('<C-w><C-w>q')
  editor.await('the difference goes', '#vim.api.nvim_list_wins() == 1 and not vim.wo.diff')
  editor.keys(':CodriverReview!<CR>')
  editor.keys(':CodriverReview staged<CR>')

  editor.keys(':1CodriverRefactor x = "é"<CR>')
  editor.await('the change', "vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == 'x = \"é\"'")
  editor.keys(':2CodriverDocument<CR>')
  editor.await('the change', "vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] == 'codriver.document'")
  report.text = editor.text()
  editor.keys('u')
  editor.await('it is undone', "vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] == 'last = 1'")

  for name, filetype in pairs({ CodriverExplain = 'markdown', CodriverCommitMessage = 'markdown', CodriverStatus = 'json' }) do
    editor.keys(':' .. name .. '<CR>')
    editor.await('a window of ' .. name, ("#vim.api.nvim_list_wins() == 2 and vim.bo.filetype == '%s'"):format(filetype))
    report[name] = editor.text()
    editor.keys('q')
    editor.await('the window closes', '#vim.api.nvim_list_wins() == 1')
  end
  report.asked = vim.fn.json_decode(report.CodriverStatus).asked

  editor.await('the status line', "require('codriver').statusline():match('simulated') ~= nil")
  report.statusline = editor.lua("return require('codriver').statusline()")
  editor.keys(':CodriverPause<CR>oretu')
  editor.await('a pause', "require('codriver').statusline():match('paused') ~= nil")
  report.paused = editor.lua('return ' .. editor.GHOST .. ' == nil')
  editor.keys('<Esc>:CodriverResume<CR>ccret')
  editor.await('a suggestion', editor.GHOST .. ' ~= nil')
  report.health = editor.lua([[
    vim.cmd('stopinsert')
    vim.cmd('checkhealth codriver')
    return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  ]])
end
