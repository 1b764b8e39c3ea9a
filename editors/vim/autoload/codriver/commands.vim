vim9script

# What the :Codriver... commands do: each asks the server by workspace/executeCommand.

import autoload 'codriver/client.vim'
import autoload 'codriver/ghost.vim'

var told: dict<any> = {}
var asked = 0.0

def Say(text: string)
  echomsg $'Codriver: {text}'
enddef

# Runs a server's command; Done gets its result, an object.
def Run(name: string, wish: dict<any>, Done: func)
  if !client.Follow(bufnr())
    Say('no server yet for this buffer; :CodriverRestart starts one')
    return
  endif
  const params = {command: $'codriver.{name}', arguments: empty(wish) ? [] : [wish]}
  client.Request('workspace/executeCommand', params, (error, result) => {
    if !empty(error)
      echohl ErrorMsg
      Say(error.message)
      echohl None
    else
      Done(type(result) == v:t_dict ? result : {})
    endif
  })
enddef

# Who did it and for how much, so that nobody takes a simulated answer for a model's.
def By(result: dict<any>): string
  const cost = get(result, 'cost', 0) ?? 0
  const price = cost > 0 ? printf(', $%.4f', cost) : ''
  return get(result, 'model', '?') .. (get(result, 'simulated', false) ? ' (simulated)' : '') .. price
enddef

# Whole lines, or the cursor as an empty range.
def Place(ranged: number, first: number, last: number): dict<any>
  const at = {line: line('.') - 1, character: col('.') - 1}
  return ranged == 0 ? {start: at, end: at}
    : {start: {line: first - 1, character: 0}, end: {line: last - 1, character: len(getline(last))}}
enddef

export def Change(name: string, ranged: number, first: number, last: number, words: string)
  var wish = {uri: client.Uri(), range: Place(ranged, first, last)}
  if name == 'refactor'
    wish.instruction = words != '' ? words : input('Refactor: ')
    if trim(wish.instruction) == ''
      return
    endif
  endif
  Run(name, wish, (result) => {
    const summary = get(result, 'summary', '') ?? 'done'
    Say($'{substitute(summary, "\\.$", "", "")}, by {By(result)}')
  })
enddef

export def Review(ranged: number, first: number, last: number, diff: string, clear: bool)
  var wish = {uri: client.Uri()}
  if clear
    Run('clearReview', wish, (_) => Say('the findings are gone'))
    return
  endif
  if diff != ''
    wish.diff = diff
  elseif ranged > 0
    wish.range = Place(ranged, first, last)
  endif
  Run('review', wish, (result) => Say($'{get(result, "findings", 0)} finding(s) in the location list, by {By(result)}'))
enddef

export def Explain(ranged: number, first: number, last: number, question: string)
  var wish = {uri: client.Uri(), range: Place(ranged, first, last)}
  if question != ''
    wish.question = question
  endif
  Run('explain', wish, (result) => Show(get(result, 'text', '') .. $"\n\n*{By(result)}*", 'markdown'))
enddef

export def CommitMessage()
  const here = bufnr()
  Run('commitMessage', &filetype == 'gitcommit' ? {} : {uri: client.Uri()}, (result) => {
    if getbufvar(here, '&filetype') == 'gitcommit'
      appendbufline(here, 0, split(trim(result.text), '\n', true))
    else
      Show(result.text, 'gitcommit')
    endif
  })
enddef

export def Shown(name: string)
  Run(name, {}, (result) => Show(json_encode(result), 'json'))
enddef

# Shows a text in a window below, closed by `q`.
def Show(text: string, filetype: string)
  botright new
  setlocal buftype=nofile bufhidden=wipe noswapfile
  setline(1, split(trim(text), '\n', true))
  &l:filetype = filetype
  setlocal nomodifiable
  nnoremap <buffer> <nowait> q <Cmd>close<CR>
enddef

# For the status line; asks the server every five seconds at most and never waits.
export def Told(): string
  if !client.Ready()
    return ''
  endif
  const now = reltimefloat(reltime())
  if asked == 0.0 || now - asked > 5.0
    asked = now
    client.Request('workspace/executeCommand', {command: 'codriver.status', arguments: []}, (error, result) => {
      if empty(error) && result != told
        told = result
        redrawstatus
      endif
    })
  endif
  var parts = []
  const model = get(told, 'model', '') ?? ''
  if ghost.Paused()
    parts->add('paused')
  elseif model != ''
    parts->add(model .. (get(told, 'simulated', false) ? ' (simulated)' : ''))
  endif
  const today = get(told, 'cost_today', 0) ?? 0
  if today > 0
    parts->add(printf('$%.2f today', today))
  endif
  return empty(parts) ? 'codriver' : 'codriver: ' .. join(parts, ', ')
enddef
