-- Helix with what `codriver connect helix` wrote, and the real server: the menu, a suggestion out of it, a code action.

return function(editor)
  local report = editor.report
  report.said = dofile(vim.env.HERE .. '/connected.lua')('helix')
  report.health = vim.fn.system({ vim.env.EDITOR_UNDER_TEST, '--health', 'python' })
  local term = dofile(vim.env.HERE .. '/term.lua')(editor, { vim.env.EDITOR_UNDER_TEST, 'sum.py' })
  term.await('the status line', 'NOR')
  term.play('idef add(a, b):<CR>    """Adds two numbers."""<CR>', 'the text', 'numbers')
  report.menu = term.slowly('the menu', 'return', 'snippet')
  term.play('<Tab>', 'it is chosen', 'Codriver: simulator/')
  term.keys('<CR>')
  term.await('the menu goes', 'snippet', nil, true)
  term.play('<Esc>', 'normal mode', 'NOR')
  term.play(':w<CR>', 'it is written', 'written')
  report.accepted = term.written('sum.py')
  report.actions = term.play(' a', 'the code actions', 'Codriver: Refactor function')
  term.keys('<Esc>')
  term.await('the choice goes', 'Refactor function', nil, true)
  term.keys(':q!<CR>')
  report.status = term.ended()
end
