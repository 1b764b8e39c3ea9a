vim9script

# Ghost text: a suggestion drawn as virtual text at the cursor, and what is done with it.
#
# It replaces the text from its `line` (1), `col` (bytes, 0) up to and with `tail`, the text between cursor and range end
# when it came. While what stands before the cursor is a beginning of it, the rest stays on screen.

import autoload 'codriver/client.vim'

const DELAY = get(g:, 'codriver_delay', 30)
const TYPE = 'CodriverGhost'

var item: dict<any> = {}
var drawn = 0 # the buffer that shows one
var place = ''
var timer = 0
var pending = 0
var turn = 0
var paused = false

export def Pause(on: bool)
  paused = on
  Hide()
enddef

export def Paused(): bool
  return paused
enddef

# What of the suggestion is still to come; '' when it does not fit the text any more.
def Rest(): string
  if empty(item) || item.buffer != bufnr()
    return ''
  endif
  const [row, col] = [line('.'), col('.') - 1]
  if row < item.line || (row == item.line && col < item.col)
    return ''
  endif
  var typed = getline(item.line, row)
  typed[-1] = strpart(typed[-1], 0, col)
  typed[0] = strpart(typed[0], item.col)
  const before = join(typed, "\n")
  if strpart(item.text, 0, len(before)) !=# before || strpart(getline('.'), col, len(item.tail)) !=# item.tail
    return ''
  endif
  const rest = strpart(item.text, len(before))
  return rest ==# item.tail ? '' : rest
enddef

export def Visible(): bool
  return mode() =~ '^i' && Rest() != ''
enddef

def Hide()
  if drawn > 0 && bufloaded(drawn)
    prop_remove({type: TYPE, bufnr: drawn, all: true})
  endif
  drawn = 0
enddef

# Tabs as the buffer shows them: virtual text would show them as signs.
def Blank(text: string, column: number): string
  var out = ''
  for piece in split(text, '\t\zs')
    out ..= trim(piece, "\t", 2)
    if piece =~ '\t$'
      out ..= repeat(' ', &tabstop - (column + strdisplaywidth(out)) % &tabstop)
    endif
  endfor
  return out
enddef

def Draw()
  Hide()
  const rest = Rest()
  if rest == '' || mode() !~ '^i'
    return
  endif
  if empty(prop_type_get(TYPE))
    prop_type_add(TYPE, {highlight: TYPE, combine: false})
  endif
  var rows = split(rest, '\n', true)
  if len(rows) == 1 && item.tail != '' && rows[0]->strpart(len(rows[0]) - len(item.tail)) ==# item.tail
    rows[0] = strpart(rows[0], 0, len(rows[0]) - len(item.tail)) # it stands there already
  endif
  if rows[0] != ''
    prop_add(line('.'), col('.'), {type: TYPE, text: Blank(rows[0], virtcol('.') - 1)})
  endif
  for row in rows[1 :]
    prop_add(line('.'), 0, {type: TYPE, text: row == '' ? ' ' : Blank(row, 0), text_align: 'below'})
  endfor
  drawn = bufnr()
enddef

def Forget()
  turn += 1
  timer_stop(timer)
  client.Cancel(pending)
  pending = 0
enddef

# After a key: what was shown is drawn anew if it still fits, and shortly afterwards the server is asked.
export def Moved()
  const now = $'{bufnr()}:{b:changedtick}:{line(".")}:{col(".")}'
  if paused || now == place
    return
  endif
  place = now
  client.Follow(bufnr()) # each key by itself, so that the server can tell typing from pasting
  Forget()
  Draw()
  if pumvisible() && complete_info(['selected']).selected >= 0
    return
  endif
  timer = timer_start(DELAY, (_) => Ask(false))
enddef

export def Left()
  Forget()
  item = {}
  place = ''
  Hide()
enddef

# Asks now. An answer to an older text or cursor is dropped.
export def Ask(invoked: bool)
  if mode() !~ '^i' || !client.Follow(bufnr())
    return
  endif
  Forget()
  const [mine, tick, buffer] = [turn, b:changedtick, bufnr()]
  const [row, col] = [line('.'), col('.') - 1]
  const params = {
    textDocument: {uri: client.Uri()},
    position: {line: row - 1, character: col},
    context: {triggerKind: invoked ? 1 : 2},
  }
  pending = client.Request('textDocument/inlineCompletion', params, (error, result) => {
    if mine == turn && buffer == bufnr() && tick == b:changedtick && empty(error)
      pending = 0
      Take(type(result) == v:t_dict ? result.items : result ?? [], row, col)
    endif
  })
enddef

def Take(items: list<any>, row: number, col: number)
  item = {}
  for raw in items
    const where = get(raw, 'range', {start: {line: row - 1, character: col}, end: {line: row - 1, character: col}})
    if type(raw.insertText) == v:t_string && where.start.line == row - 1 && where.end.line == row - 1
      item = {
        buffer: bufnr(), line: row, col: where.start.character, command: get(raw, 'command', {}),
        text: substitute(raw.insertText, '\r\n\?', '\n', 'g'),
        tail: strpart(getline(row), col, max([0, where.end.character - col])),
      }
      break
    endif
  endfor
  Draw()
enddef

# The next word (with the space before it) or line of a text; never empty unless the text is.
export def First(text: string, unit: string): string
  if unit == 'line'
    return matchstr(text, '^\n\?[^\n]*')
  endif
  return matchstr(text, '^\_s*\%(\%(\w\|[^\x00-\x7F]\)\+\|\%([^[:alnum:]_[:space:]]\&[\x01-\x7F]\)\+\|$\)')
enddef

# Takes the suggestion ('all'), or its next 'word' or 'line', into the text, and tells the server.
export def Accept(unit: string)
  const rest = Rest()
  if rest == ''
    return
  endif
  const part = unit == 'all' ? rest : First(rest, unit)
  const whole = part ==# rest
  Write(part, whole ? len(item.tail) : 0)
  Tell(whole ? get(item.command, 'command', '') : 'codriver.partlyAccepted')
  if whole
    Left()
  endif
  Draw()
enddef

# Takes the suggestion away because it is not wanted, and tells the server.
export def Reject()
  if Rest() != ''
    Tell('codriver.rejected')
  endif
  Forget()
  item = {}
  Hide()
enddef

def Tell(command: string)
  if command != '' && !empty(item.command)
    client.Request('workspace/executeCommand', {command: command, arguments: item.command.arguments}, (_, _) => 0)
  endif
enddef

# Writes over the next `over` bytes at the cursor, and puts the cursor behind it.
def Write(text: string, over: number)
  const [row, col, line] = [line('.'), col('.') - 1, getline('.')]
  var rows = split(text, '\n', true)
  const last = len(rows[-1]) + (len(rows) == 1 ? col : 0)
  rows[0] = strpart(line, 0, col) .. rows[0]
  rows[-1] ..= strpart(line, col + over)
  setline(row, rows[0])
  append(row, rows[1 :])
  cursor(row + len(rows) - 1, last + 1)
enddef
