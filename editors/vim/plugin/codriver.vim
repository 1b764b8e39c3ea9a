if !has('vim9script') || !has('patch-9.0.0185') || !has('job')
  finish
endif
vim9script noclear

# The commands, the keys and when things happen. Everything else is loaded when first used.

if get(g:, 'loaded_codriver', false)
  finish
endif
g:loaded_codriver = true

import autoload 'codriver/client.vim'
import autoload 'codriver/commands.vim'
import autoload 'codriver/ghost.vim'

command -range -bang -nargs=* CodriverRefactor commands.Change('refactor', <range>, <line1>, <line2>, <q-args>)
command -range CodriverDocument commands.Change('document', <range>, <line1>, <line2>, '')
command -range CodriverFix commands.Change('fix', <range>, <line1>, <line2>, '')
command -range CodriverTests commands.Change('tests', <range>, <line1>, <line2>, '')
command -range -bang -nargs=? CodriverReview commands.Review(<range>, <line1>, <line2>, <q-args>, <bang>false)
command -range -nargs=* CodriverExplain commands.Explain(<range>, <line1>, <line2>, <q-args>)
command CodriverCommitMessage commands.CommitMessage()
command CodriverWhy commands.Shown('explainLast')
command CodriverStatus commands.Shown('status')
command CodriverPause ghost.Pause(true)
command CodriverResume ghost.Pause(false)
command CodriverRestart client.Restart()

highlight default link CodriverGhost Comment

augroup codriver
  autocmd!
  autocmd InsertEnter,TextChangedI,TextChangedP,CursorMovedI * ghost.Moved()
  autocmd InsertLeavePre,BufLeave * ghost.Left()
  autocmd BufReadPost,BufNewFile,FileType * client.Opened(str2nr(expand('<abuf>')))
  autocmd VimEnter * client.Opened(bufnr())
  autocmd BufDelete,BufWipeout,BufFilePre * client.Closed(str2nr(expand('<abuf>')))
  autocmd VimLeavePre * client.Stop()
augroup END

const keys = extend({
  accept: '<Tab>', word: '<M-Right>', line: '<M-Down>', next: '<M-]>', dismiss: '<C-]>',
}, get(g:, 'codriver_keys', {}))
for [verb, key] in items(keys)
  if key != '' && maparg(key, 'i') == ''
    execute $'inoremap <silent> <expr> {key} codriver#Key("{verb}", "{substitute(key, "<", "<lt>", "")}")'
  endif
endfor
