vim9script

# Lines of text: what differs, what edits make of them. Columns are bytes, as was agreed with the server.

# The lines from `first` (0) up to `last` (exclusive) of `old` became those up to `until` of `new`.
export def Difference(old: list<string>, new: list<string>): dict<number>
  const least = min([len(old), len(new)])
  var first = 0
  while first < least && old[first] ==# new[first]
    first += 1
  endwhile
  var same = 0
  while same < least - first && old[-1 - same] ==# new[-1 - same]
    same += 1
  endwhile
  return {first: first, last: len(old) - same, until: len(new) - same}
enddef

# The lines after the protocol's text edits, none of which may overlap.
export def Edited(lines: list<string>, edits: list<any>): list<string>
  var made = lines + [''] # the text ends with a line break, behind which the protocol has one more line
  const byplace = copy(edits)->sort((a, b) => a.range.start.line == b.range.start.line
    ? b.range.start.character - a.range.start.character : b.range.start.line - a.range.start.line)
  for edit in byplace
    const [top, bottom] = [edit.range.start, edit.range.end]
    const before = strpart(get(made, top.line, ''), 0, top.character)
    const after = strpart(get(made, bottom.line, ''), bottom.character)
    var new = split(substitute(edit.newText, '\r\n\?', '\n', 'g'), '\n', true)
    new[0] = before .. new[0]
    new[-1] ..= after
    made = slice(made, 0, top.line) + new + slice(made, bottom.line + 1)
  endfor
  return made[-1] == '' && len(made) > 1 ? made[: -2] : made
enddef

# Makes a buffer's lines these, changing no more of them than differ.
export def Put(buffer: number, lines: list<string>)
  const old = getbufline(buffer, 1, '$')
  const part = Difference(old, lines)
  const [fresh, gone] = [part.until - part.first, part.last - part.first]
  const both = min([fresh, gone])
  setbufline(buffer, part.first + 1, slice(lines, part.first, part.first + both))
  if gone > both
    deletebufline(buffer, part.first + both + 1, part.last)
  elseif fresh > both
    appendbufline(buffer, part.first + both, slice(lines, part.first + both, part.until))
  endif
enddef

# The address of a buffer. Unnamed ones have one too.
export def Uri(buffer: number): string
  const name = bufname(buffer)
  if name == '' || name =~ '^\a[[:alnum:]+.-]\+://'
    return name == '' ? $'untitled:buffer-{buffer}' : name
  endif
  const path = substitute(fnamemodify(name, ':p'), '\\', '/', 'g')
  const coded = substitute(path, '[^A-Za-z0-9/._~-]',
    (found) => range(strlen(found[0]))->map((_, i) => printf('%%%02X', char2nr(strpart(found[0], i, 1))))->join(''), 'g')
  return 'file://' .. (path =~ '^/' ? '' : '/') .. coded
enddef

# The buffer of an address, made when there is none; 0 where none can be.
export def Buffer(uri: string): number
  const unnamed = matchstr(uri, '^untitled:buffer-\zs\d\+$')
  if unnamed != ''
    return str2nr(unnamed)
  endif
  if uri !~ '^file://'
    return 0
  endif
  const bytes = eval('"' .. uri[7 :]->escape('\"')->substitute('%\(\x\x\)', '\\x\1', 'g') .. '"')
  const path = bytes =~ '^/\a:' ? bytes[1 :] : bytes
  const found = bufnr($'^{escape(path, "*?[]{},\\")}$')
  return found > 0 ? found : bufadd(path)
enddef
