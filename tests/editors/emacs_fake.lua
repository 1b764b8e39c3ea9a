-- Emacs with codriver.el and the fake server: shown, taken in parts and whole, dismissed; commands.

return function(editor)
  local report, term = dofile(vim.env.HERE .. '/emacs_ghost.lua')(editor)
  term.play('<M-Right>', 'a word is taken', 'return')
  term.play('<Tab>', 'a later line', '2 %* a')
  term.play('<C-x><C-s>', 'it is written', 'Wrote')
  report.text = term.written('größe 1.py')
  term.play('<CR>re', 'a suggestion again', '\n *return a %+ b[^\n]*\n')
  term.keys('<C-g>')
  term.play('<Esc>xcodriver-review<CR>', 'a finding', '1 finding')
  term.play('<Esc>xcodriver-explain<CR>', 'an explanation', 'It %*%*is%*%* so')
  report.status = term.play('<Esc>xcodriver-status<CR>', 'the status', 'm %(simulated%), %$0.50 today')
  term.keys('<Esc>:(kill-emacs)<CR>')
  term.ended()
end
