-- Emacs with what `codriver connect emacs` wrote, and the real server: eglot's own completion, and its code actions.

return function(editor)
  local report = editor.report
  report.said = dofile(vim.env.HERE .. '/connected.lua')('emacs')
  local init = [[(setq inhibit-startup-screen t eglot-confirm-server-initiated-edits nil eglot-confirm-server-edits nil
    native-comp-async-report-warnings-errors nil make-backup-files nil vc-handled-backends nil eldoc-display-functions nil
    eglot-send-changes-idle-time 0.02)]]
  local term = dofile(vim.env.HERE .. '/term.lua')(editor, {
    vim.env.EDITOR_UNDER_TEST, '-nw', '-Q', '-l', vim.env.HOME .. '/.emacs', '--eval', init, 'sum.py',
  })
  term.await('the file', '%(Python')
  term.keys('<Esc>xcodriver<CR>')
  term.await('a client', '%[eglot:', 60000)
  term.play('def add(a, b):<CR>', 'the line', 'b%):')
  term.play('"""Adds two numbers."""<CR>', 'the text', 'numbers')
  -- Eglot sends what was typed in a pause: what came before it in one piece counts as pasted, so the next letter decides.
  for _, letter in ipairs({ 'r', 'e', 't', 'u' }) do
    term.letters(letter)
    term.keys('<Esc><Tab>')
    vim.wait(2000, function()
      return term.screen():find('\n *return') ~= nil
    end, 20)
    if term.screen():find('\n *return') then
      break
    end
  end
  report.shown = term.await('the completion', '\n *return')
  term.play('<C-x><C-s>', 'it is written', 'Wrote')
  report.accepted = term.written('sum.py')
  report.actions = term.play('<Esc>xeglot-code-actions<CR>', 'the choice', 'default Codriver: Refactor')
  term.play('<CR>', 'the change', 'Simulated edit')
  term.play('<C-x><C-s>', 'it is written again', 'Wrote')
  report.refactored = term.written('sum.py')
  term.keys('<Esc>:(kill-emacs)<CR>')
  term.ended()
end
