-- Vim with ALE from the same Debian, and the real server: the menu, and a suggestion taken out of it.

return function(editor)
  local report = editor.report
  local ale = vim.fn.glob(vim.env.EDITOR_ROOT .. '/usr/share/vim-ale')
  local term = dofile(vim.env.HERE .. '/term.lua')(editor, {
    vim.env.EDITOR_UNDER_TEST, '-N', '-u', 'NONE', '-i', 'NONE', '-n',
    '--cmd', 'set rtp^=' .. ale,
    '--cmd', ("let g:codriver_cmd = ['%s', '-m', 'codriver', 'lsp', '--stdio']"):format(vim.env.PYTHON),
    '--cmd', "let g:ale_linters = {'python': ['codriver']} | let g:ale_completion_autoimport = 0 | let g:ale_completion_enabled = 1",
    '--cmd', 'set encoding=utf-8 ttimeoutlen=20 shortmess+=I',
    '--cmd', 'filetype on',
    '--cmd', ('runtime plugin/ale.vim | source %s/vim/extra/ale.vim'):format(vim.env.PLUGINS),
    'sum.py',
  })
  term.keys('idef add(a, b):<CR>    """Adds two numbers."""<CR>')
  term.await('the text', 'numbers')
  term.letters('    ')
  report.menu = term.slowly('the menu', 'retur', 'Codriver: simulator/')
  term.keys('<C-n><C-y><Esc>:w<CR>')
  term.await('it is written', 'written')
  report.accepted = table.concat(vim.fn.readfile('sum.py'), '\n')
  term.keys(':qa!<CR>')
  report.status = term.ended()
end
