-- Vim with ALE from the same Debian, and the real server: the menu, and a suggestion taken out of it.

return function(editor)
  local report = editor.report
  local ale = vim.fn.glob(vim.env.EDITOR_ROOT .. '/usr/share/vim-ale')
  local term = dofile(vim.env.HERE .. '/vim.lua')(editor, { vim.env.PYTHON, '-m', 'codriver', 'lsp', '--stdio' }, {
    '--cmd', 'set rtp^=' .. ale,
    '--cmd', "let g:ale_linters = {'python': ['codriver']} | let g:ale_completion_autoimport = 0 | let g:ale_completion_enabled = 1",
    '--cmd', 'filetype on',
    '--cmd', ('runtime plugin/ale.vim | source %s/vim/extra/ale.vim'):format(vim.env.PLUGINS),
    'sum.py',
  })
  term.play('idef add(a, b):<CR>    """Adds two numbers."""<CR>', 'the text', 'numbers')
  term.letters('    ')
  report.menu = term.slowly('the menu', 'retur', 'Codriver: simulator/')
  term.play('<C-n><C-y><Esc>:w<CR>', 'it is written', 'written')
  report.accepted = term.written('sum.py')
  term.keys(':qa!<CR>')
  report.status = term.ended()
end
