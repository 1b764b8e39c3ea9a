-- Vim with our plugin and the fake server: shown, typed along, taken in parts and whole, dismissed; commands.

return function(editor)
  local report = editor.report
  local term = dofile(vim.env.HERE .. '/term.lua')(editor, {
    vim.env.EDITOR_UNDER_TEST, '-N', '-u', 'NONE', '-i', 'NONE', '-n',
    '--cmd', 'set rtp^=' .. vim.env.PLUGINS .. '/vim',
    '--cmd', ("let g:codriver_cmd = ['%s', '%s']"):format(vim.env.PYTHON, vim.env.FAKE),
    '--cmd', 'set encoding=utf-8 nocompatible ttimeoutlen=20 laststatus=2 shortmess+=I',
    '-c', 'set statusline=%{codriver#Statusline()}',
    '-c', 'runtime plugin/codriver.vim',
    'größe 1.py',
  })
  term.await('the status line', 'codriver: m %(simulated%), %$0.50 today')
  term.keys('idef add(a, b):<CR>    x = "😀é"; re')
  report.shown = term.await('the whole suggestion', 're *turn a %+ b  # 😀 sum')
  term.await('its later lines', 'def twice')
  term.keys('tu')
  term.await('typed along', 'retu *rn a')
  term.keys('<M-Right>')
  term.await('a word is taken', 'return')
  term.keys('<Tab>')
  term.await('no ghost is left', 'return a %+ b  # 😀 sum')
  term.keys('<CR># <Tab>.<Esc>:w<CR>')
  term.await('it is written', 'written')
  term.keys('ggOre')
  term.await('a suggestion again', '^return a')
  term.keys('<C-]>')
  term.await('dismissed', '^re *\n')
  term.keys('<C-u><Esc>:CodriverReview<CR>')
  term.await('a finding', '1 finding')
  term.keys(':CodriverExplain<CR>')
  term.await('an explanation', 'It %*%*is%*%* so')
  term.keys('q:1CodriverRefactor first = "é"<CR>')
  term.await('the change', 'first = "é"')
  term.keys(':call writefile([json_encode(getloclist(0))], "found.json")<CR>')
  term.keys(':w<CR>')
  term.keys(':CodriverStatus<CR>')
  term.await('the status', '\n{"')
  term.keys(':w status.json<CR>')
  term.await('it is written', 'status.json')
  term.keys(':qa!<CR>')
  report.status = term.ended()
end
