-- Vim with our plugin and the fake server: shown, typed along, taken in parts and whole, dismissed; commands.

return function(editor)
  local report = editor.report
  local term = dofile(vim.env.HERE .. '/vim.lua')(editor, { vim.env.PYTHON, vim.env.FAKE }, {
    '--cmd', 'set rtp^=' .. vim.env.PLUGINS .. '/vim',
    '-c', 'set statusline=%{codriver#Statusline()}',
    '-c', 'runtime plugin/codriver.vim',
    'größe 1.py',
  })
  term.await('the status line', 'codriver: m %(simulated%), %$0.50 today')
  report.shown = term.play('idef add(a, b):<CR>    x = "😀é"; re', 'the whole suggestion', 're *turn a %+ b  # 😀 sum')
  term.await('its later lines', 'def twice')
  term.play('tu', 'typed along', 'retu *rn a')
  term.play('<M-Right>', 'a word is taken', 'return')
  term.play('<Tab>', 'no ghost is left', 'return a %+ b  # 😀 sum')
  term.play('<CR># <Tab>.<Esc>:w<CR>', 'it is written', 'written')
  term.play('ggOre', 'a suggestion again', '^return a')
  term.play('<C-]>', 'dismissed', '^re *\n')
  term.play('<C-u><Esc>:CodriverReview<CR>', 'a finding', '1 finding')
  term.play(':CodriverExplain<CR>', 'an explanation', 'It %*%*is%*%* so')
  term.play('q:1CodriverRefactor first = "é"<CR>', 'the change', 'first = "é"')
  term.keys(':call writefile([json_encode(getloclist(0))], "found.json")<CR>')
  term.keys(':w<CR>')
  term.play(':CodriverStatus<CR>', 'the status', '\n{"')
  term.play(':w status.json<CR>', 'it is written', 'status.json')
  term.keys(':qa!<CR>')
  report.status = term.ended()
end
