-- Emacs in a terminal with codriver.el over eglot. SERVED: the server's words, as Lisp strings.

return function(editor)
  local report = editor.report
  local init = ([[
    (progn (setq inhibit-startup-screen t eglot-confirm-server-initiated-edits nil eglot-confirm-server-edits nil
                 native-comp-async-report-warnings-errors nil make-backup-files nil auto-save-default nil vc-handled-backends nil
                 codriver-command '(%s))
           (set-language-environment "UTF-8")
           (add-hook 'python-mode-hook #'codriver-start))
  ]]):format(vim.env.SERVED)
  local term = dofile(vim.env.HERE .. '/term.lua')(editor, {
    vim.env.EDITOR_UNDER_TEST, '-nw', '-Q', '-L', vim.env.PLUGINS .. '/emacs', '-l', 'codriver', '--eval', init, 'größe 1.py',
  })
  term.await('a client', '%(Python[^\n]*Codriver', 60000)
  term.play('def add(a, b):<CR>    x = "😀é"; ', 'the text', 'x = "😀é"; *\n')
  report.shown = term.slowly('the suggestion', 'retur', vim.env.GHOST)
  return report, term
end
