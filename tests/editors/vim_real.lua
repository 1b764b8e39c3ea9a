-- Vim with our plugin and the real server on the simulator: ghost text, taken; a refactor, undone.

return function(editor)
  local report = editor.report
  local command = ("let g:codriver_cmd = ['%s', '-m', 'codriver', 'lsp', '--stdio']"):format(vim.env.PYTHON)
  local term = dofile(vim.env.HERE .. '/term.lua')(editor, {
    vim.env.EDITOR_UNDER_TEST, '-N', '-u', 'NONE', '-i', 'NONE', '-n',
    '--cmd', 'set rtp^=' .. vim.env.PLUGINS .. '/vim',
    '--cmd', command,
    '--cmd', 'filetype on',
    '--cmd', 'set encoding=utf-8 ttimeoutlen=20 laststatus=2 shortmess+=I',
    '-c', 'set statusline=%{codriver#Statusline()}%=%l:%c',
    '-c', 'runtime plugin/codriver.vim',
    'sum.py',
  })
  term.await('the server', 'codriver')
  term.keys('idef add(a, b):<CR>    """Adds two numbers: 😀."""<CR>')
  term.await('the text', 'numbers')
  term.letters('    r')
  report.shown = term.await('ghost text', '😀%."""%s+r%S')
  term.keys('<Tab><Esc>:w<CR>')
  term.await('it is written', 'written')
  report.accepted = table.concat(vim.fn.readfile('sum.py'), '\n')
  term.keys(':1CodriverRefactor shorter names<CR>')
  term.await('the change', 'by simulator/')
  term.keys(':w<CR>')
  term.await('it is written again', 'written')
  report.refactored = table.concat(vim.fn.readfile('sum.py'), '\n')
  term.keys('u:w! undone.py<CR>')
  term.await('undone', 'undone.py')
  report.undone = table.concat(vim.fn.readfile('undone.py'), '\n')
  term.keys(':qa!<CR>')
  report.status = term.ended()
end
