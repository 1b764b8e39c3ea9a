vim9script

# What key maps and the status line call.

import autoload 'codriver/commands.vim'
import autoload 'codriver/ghost.vim'

# For <expr> maps: the keys that do the verb (accept, word, line, next, dismiss), or the key itself, such as '<Tab>', where
# there is no suggestion to do it to.
export def Key(verb: string, key: string): string
  if verb != 'next' && !ghost.Visible()
    return eval('"\' .. key .. '"')
  endif
  const undo = verb == 'dismiss' || verb == 'next' ? '' : "\<C-g>u"
  return $"{undo}\<Cmd>call codriver#Do('{verb}')\<CR>"
enddef

export def Do(verb: string)
  if verb == 'next'
    ghost.Ask(true)
  elseif verb == 'dismiss'
    ghost.Reject()
  else
    ghost.Accept(verb == 'accept' ? 'all' : verb)
  endif
enddef

# "codriver: model, $0.12 today"; empty where no server is. Never waits.
export def Statusline(): string
  return commands.Told()
enddef
