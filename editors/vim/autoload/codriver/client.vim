vim9script

# The server's process, the texts it has, and what it asks of the editor. One server for all buffers.

import autoload 'codriver/text.vim'

const ENABLED = get(g:, 'codriver_enabled', true)
const COMMAND = get(g:, 'codriver_cmd', ['codriver', 'lsp', '--stdio'])
const MOST_BYTES = get(g:, 'codriver_max_bytes', 4194304)
const LEAST_STARTS = 5 # crashes after which it is left alone

var job: job
var channel: channel
var ready = false
var starts = 0
var known: dict<dict<any>> = {} # by buffer: the lines the server has, their version, and their changedtick

export def Ready(): bool
  return ready
enddef

def Wanted(buffer: number): bool
  return ENABLED && bufloaded(buffer) && getbufvar(buffer, '&buftype') == '' && getbufvar(buffer, '&modifiable')
    && (!bufexists(buffer) || getfsize(bufname(buffer)) <= MOST_BYTES)
enddef

# A file was opened, named, or found to be of another type: the server starts with the first one.
export def Opened(buffer: number)
  if buffer <= 0 || bufname(buffer) == '' || !Wanted(buffer)
    return
  endif
  if has_key(known, buffer) && known[buffer].language != Language(buffer)
    Closed(buffer)
  endif
  Follow(buffer)
enddef

def Language(buffer: number): string
  return getbufvar(buffer, '&filetype') ?? 'plaintext'
enddef

# Tells the server the buffer's text as it is now. False while there is nobody to tell.
export def Follow(buffer: number): bool
  if !Wanted(buffer)
    return false
  endif
  Start()
  if !ready
    return false
  endif
  const tick = getbufvar(buffer, 'changedtick')
  const held = get(known, buffer, {})
  if empty(held)
    Open(buffer, tick)
  elseif held.tick != tick
    Change(buffer, held, tick)
  endif
  return true
enddef

def Open(buffer: number, tick: number)
  const lines = getbufline(buffer, 1, '$')
  known[buffer] = {lines: lines, version: 1, tick: tick, uri: text.Uri(buffer), language: Language(buffer)}
  Notify('textDocument/didOpen', {textDocument: {
    uri: known[buffer].uri, languageId: known[buffer].language, version: 1, text: join(lines, "\n") .. "\n",
  }})
enddef

def Change(buffer: number, held: dict<any>, tick: number)
  const lines = getbufline(buffer, 1, '$')
  const part = text.Difference(held.lines, lines)
  held.tick = tick
  if part.first == part.last && part.first == part.until
    return
  endif
  held.lines = lines
  held.version += 1
  const new = slice(lines, part.first, part.until)
  Notify('textDocument/didChange', {
    textDocument: {uri: held.uri, version: held.version},
    contentChanges: [{
      range: {start: {line: part.first, character: 0}, end: {line: part.last, character: 0}},
      text: empty(new) ? '' : join(new, "\n") .. "\n",
    }],
  })
enddef

export def Closed(buffer: number)
  if has_key(known, buffer)
    Notify('textDocument/didClose', {textDocument: {uri: known[buffer].uri}})
    remove(known, buffer)
  endif
enddef

# The address under which the server knows the current buffer.
export def Uri(): string
  return text.Uri(bufnr())
enddef

# Asks; Answered gets (error or {}, result). The request's id, 0 when there is nobody to ask.
export def Request(method: string, params: any, Answered: func): number
  if !ready
    return 0
  endif
  const sent = ch_sendexpr(channel, {method: method, params: params}, {
    callback: (_, message) => Answered(get(message, 'error', {}), get(message, 'result', v:null)),
  })
  return type(sent) == v:t_dict ? get(sent, 'id', 0) : 0
enddef

export def Notify(method: string, params: any)
  ch_sendexpr(channel, {method: method, params: params})
enddef

export def Cancel(id: number)
  if ready && id > 0
    Notify('$/cancelRequest', {id: id})
  endif
enddef

export def Start()
  if job_status(job) == 'run' || starts >= LEAST_STARTS
    return
  endif
  starts += 1
  job = job_start(COMMAND, {
    in_mode: 'lsp', out_mode: 'lsp', err_io: 'null', noblock: true, out_cb: Told, exit_cb: Gone,
  })
  if job_status(job) != 'run'
    starts = LEAST_STARTS
    echomsg $'Codriver: {COMMAND[0]} cannot be started: install it, or set g:codriver_cmd'
    return
  endif
  channel = job_getchannel(job)
  const folder = text.Uri(bufadd(getcwd()))->trim('/', 2)
  ch_sendexpr(channel, {method: 'initialize', params: {
    processId: getpid(), rootUri: folder, workspaceFolders: [{uri: folder, name: fnamemodify(getcwd(), ':t')}],
    clientInfo: {name: 'Vim', version: $'{v:versionlong / 1000000}.{v:versionlong / 10000 % 100}.{v:versionlong % 10000}'},
    initializationOptions: {editor: 'vim'},
    capabilities: {
      general: {positionEncodings: ['utf-8']},
      textDocument: {
        inlineCompletion: {dynamicRegistration: false},
        publishDiagnostics: {versionSupport: true},
        synchronization: {didSave: false},
      },
      workspace: {applyEdit: true, workspaceEdit: {documentChanges: true, resourceOperations: ['create']}},
    },
  }}, {callback: (_, message) => Begin(message)})
enddef

def Begin(message: dict<any>)
  if has_key(message, 'error')
    echomsg $'Codriver: {message.error.message}'
    return
  elseif get(message.result.capabilities, 'positionEncoding', 'utf-16') != 'utf-8'
    echomsg 'Codriver: this server does not count columns in bytes; it is too old'
    return
  endif
  ready = true
  Notify('initialized', {})
  for info in getbufinfo({bufloaded: true})
    Opened(info.bufnr)
  endfor
  if mode() =~ '^i'
    Follow(bufnr())
  endif
  redrawstatus!
  if exists('#User#CodriverReady')
    doautocmd <nomodeline> User CodriverReady
  endif
enddef

def Gone(_: job, status: number)
  ready = false
  known = {}
  if v:exiting == v:null && status != 0
    echomsg starts < LEAST_STARTS ? $'Codriver: the server ended with {status}; it starts again with the next key'
      : 'Codriver: the server ended too often; :CodriverRestart tries again'
  endif
enddef

export def Stop()
  if job_status(job) == 'run'
    ready = false
    ch_sendexpr(channel, {method: 'exit'})
    ch_close_in(channel)
  endif
enddef

export def Restart()
  Stop()
  starts = 0
  timer_start(50, (timer) => {
    if job_status(job) != 'run'
      timer_stop(timer)
      Opened(bufnr())
    endif
  }, {repeat: 100})
enddef

# The server speaks by itself.
def Told(_: channel, message: dict<any>)
  const method = get(message, 'method', '')
  const params = get(message, 'params', {})
  if has_key(message, 'id') && method != ''
    ch_sendexpr(channel, {id: message.id, result: Answer(method, params)})
  elseif method == 'textDocument/publishDiagnostics'
    Findings(params)
  elseif method == 'window/showMessage'
    echomsg $'Codriver: {params.message}'
  endif
enddef

def Answer(method: string, params: any): any
  if method == 'workspace/applyEdit'
    return Apply(params.edit)
  elseif method == 'workspace/configuration'
    return repeat([v:null], len(params.items))
  endif
  return v:null
enddef

# Makes a workspace edit, all of it or nothing: an edit for a text that has changed since is refused.
export def Apply(edit: dict<any>): dict<any>
  var changes = []
  for change in get(edit, 'documentChanges', [])
    if !has_key(change, 'kind')
      changes->add([change.textDocument.uri, get(change.textDocument, 'version', v:null), change.edits])
    endif
  endfor
  for [uri, edits] in items(get(edit, 'changes', {}))
    changes->add([uri, v:null, edits])
  endfor
  for [uri, version, _] in changes
    const held = get(known, text.Buffer(uri), {})
    if type(version) == v:t_number && !empty(held)
        && (held.version != version || held.tick != getbufvar(text.Buffer(uri), 'changedtick'))
      return {applied: false, failureReason: 'the buffer changed meanwhile'}
    endif
  endfor
  for [uri, _, edits] in changes
    const buffer = text.Buffer(uri)
    if buffer == 0
      return {applied: false, failureReason: $'{uri} cannot be opened here'}
    endif
    bufload(buffer)
    setbufvar(buffer, '&buflisted', true)
    const lines = getbufline(buffer, 1, '$')
    text.Put(buffer, text.Edited(lines, edits))
    Follow(buffer)
  endfor
  return {applied: true}
enddef

# Findings of a review: the location list of the windows that show the buffer.
def Findings(params: dict<any>)
  const buffer = text.Buffer(params.uri)
  const found = mapnew(params.diagnostics, (_, one) => ({
    bufnr: buffer, lnum: one.range.start.line + 1, col: one.range.start.character + 1,
    end_lnum: one.range.end.line + 1, end_col: one.range.end.character + 1,
    type: 'EWIN'[get(one, 'severity', 2) - 1], text: one.message,
  }))
  for window in win_findbuf(buffer)
    setloclist(window, [], ' ', {title: 'Codriver', items: found})
  endfor
enddef
