-- Vim with our plugin and the real server on the simulator: ghost text, taken; a refactor, undone.

return function(editor)
  local report = editor.report
  local term = dofile(vim.env.HERE .. '/vim.lua')(editor, { vim.env.PYTHON, '-m', 'codriver', 'lsp', '--stdio' }, {
    '--cmd', 'set rtp^=' .. vim.env.PLUGINS .. '/vim',
    '--cmd', 'filetype on',
    '-c', 'set statusline=%{codriver#Statusline()}%=%l:%c',
    '-c', 'runtime plugin/codriver.vim',
    'sum.py',
  })
  term.await('the server', 'codriver')
  term.play('idef add(a, b):<CR>    """Adds two numbers: 😀."""<CR>', 'the text', 'numbers')
  term.letters('    r')
  report.shown = term.await('ghost text', '😀%."""%s+r%S')
  term.play('<Tab><Esc>:w<CR>', 'it is written', 'written')
  report.accepted = term.written('sum.py')
  term.play(':1CodriverRefactor shorter names<CR>', 'the change', 'by simulator/')
  term.play(':w<CR>', 'it is written again', 'written')
  report.refactored = term.written('sum.py')
  term.play('u:w! undone.py<CR>', 'undone', 'undone.py')
  report.undone = term.written('undone.py')
  term.keys(':qa!<CR>')
  report.status = term.ended()
end
