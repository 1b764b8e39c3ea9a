-- A program in a real terminal (the driven Neovim's own): keys go in, its screen comes out.
--
--   local term = dofile('term.lua')(editor, { 'vim', ... }, { NAME = 'value' })

return function(editor, command, environ)
  local term = {}

  editor.lua(
    [[
      local command, environ = ...
      vim.o.columns, vim.o.lines, vim.o.laststatus, vim.o.showtabline = 110, 42, 0, 0
      _G.program = vim.fn.termopen(command, {
        env = vim.tbl_extend('force', { TERM = 'xterm-256color' }, environ),
        on_exit = function(_, status) _G.ended = status end,
      })
    ]],
    command,
    environ or vim.empty_dict()
  )

  --- Types keys; the special ones as in Neovim: <Esc>, <CR>, <Tab>, <C-]>, <M-Right>.
  function term.keys(keys)
    local special = {
      Esc = '\27', CR = '\r', Tab = '\t', lt = '<', BS = '\127', Down = '\27[B', Up = '\27[A',
      ['C-]'] = '\29', ['C-y'] = '\25', ['C-n'] = '\14', ['C-x'] = '\24', ['C-o'] = '\15', ['C-c'] = '\3', ['C-u'] = '\21', ['C-s'] = '\19', ['C-g'] = '\7',
      ['M-Right'] = '\27[1;3C', ['M-Down'] = '\27[1;3B',
    }
    local bytes = keys:gsub('<([%w%-%]]+)>', special)
    editor.lua('vim.fn.chansend(_G.program, ...)', bytes)
  end

  function term.screen()
    return table.concat(editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"), '\n')
  end

  --- Types letter by letter, as people do: the next one when the editor has shown the last.
  function term.letters(text)
    for letter in text:gmatch('[%z\1-\127\194-\244][\128-\191]*') do
      local before = term.screen()
      term.keys(letter)
      vim.wait(200, function()
        return term.screen() ~= before
      end, 5)
    end
  end

  --- Waits until a Lua pattern is on the screen (or, with `gone`, is not any more).
  function term.await(what, pattern, ms, gone)
    local seen
    local done = vim.wait(ms or 20000, function()
      seen = term.screen()
      return (seen:find(pattern) ~= nil) == not gone
    end, 20)
    if not done then
      error(('never came: %s\n%s'):format(what, seen), 0)
    end
    return seen
  end

  --- Types keys, and waits for what they bring.
  function term.play(keys, what, pattern)
    term.keys(keys)
    return term.await(what, pattern)
  end

  --- What the program wrote into a file.
  function term.written(file)
    return table.concat(vim.fn.readfile(file), '\n')
  end

  --- Types text letter by letter, and gives each some time, until the pattern is on the screen: until its server is up
  --- an editor asks nobody, and of what was there when a file was opened none was typed.
  function term.slowly(what, text, pattern)
    local seen
    for letter in text:gmatch('.') do
      term.keys(letter)
      vim.wait(2000, function()
        seen = term.screen()
        return seen:find(pattern) ~= nil
      end, 20)
      if seen:find(pattern) then
        return seen
      end
    end
    error(('never came: %s\n%s'):format(what, seen), 0)
  end

  --- Waits until the program has ended, and gives its exit status.
  function term.ended(ms)
    vim.wait(ms or 20000, function()
      return editor.lua('return _G.ended ~= nil')
    end, 20)
    return editor.lua('return _G.ended')
  end

  return term
end
