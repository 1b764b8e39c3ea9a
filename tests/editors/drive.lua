-- Drives a second Neovim by its API, as a person would by its keys, and prints what it saw as JSON.
--
-- nvim --headless -u NONE -i NONE -l drive.lua  (before 0.9: -c 'luafile drive.lua')
-- Environment: PLUGINS (the folder of all plugins), SCENARIO (a Lua file that returns a function of `editor`),
-- NVIM_UNDER_TEST (the editor to drive, when it is not this one).

local report = { log = {} }
local child

local function finish(code)
  if child then
    pcall(vim.rpcnotify, child, 'nvim_command', 'qall!')
    vim.fn.jobwait({ child }, 1000)
    vim.fn.jobstop(child)
  end
  io.stdout:write(vim.fn.json_encode(report) .. '\n')
  io.stdout:flush()
  os.exit(code)
end

local editor = { report = report }

--- Runs Lua in the child and gives its result.
function editor.lua(code, ...)
  return vim.rpcrequest(child, 'nvim_exec_lua', code, { ... })
end

--- Types keys, as from a keyboard.
function editor.keys(keys)
  vim.rpcrequest(child, 'nvim_input', keys)
end

function editor.text()
  return table.concat(vim.rpcrequest(child, 'nvim_buf_get_lines', 0, 0, -1, false), '\n')
end

--- Waits until the Lua expression is true in the child; fails after `ms`.
function editor.await(what, code, ms)
  local seen
  local done = vim.wait(ms or 5000, function()
    local ok, value = pcall(editor.lua, 'return ' .. code)
    seen = value
    return ok and value ~= nil and value ~= vim.NIL and value ~= false
  end, 10)
  if not done then
    local messages = editor.lua("return vim.api.nvim_exec('messages', true)")
    error(('never came: %s (last: %s; messages: %s)'):format(what, vim.inspect(seen), messages), 0)
  end
  return seen
end

--- The ghost text on screen: own or the editor's, rows joined by line breaks; nil when there is none.
editor.GHOST = [[(function()
  for name, space in pairs(vim.api.nvim_get_namespaces()) do
    if name == 'codriver.ghost' or name:match('inline_completion$') then
      for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
        local rows = {}
        local function row(pieces)
          local out = ''
          for _, piece in ipairs(pieces) do
            out = out .. piece[1]
          end
          rows[#rows + 1] = out
        end
        row(mark[4].virt_text or {})
        for _, pieces in ipairs(mark[4].virt_lines or {}) do
          row(pieces)
        end
        return table.concat(rows, '\n')
      end
    end
  end
  return nil
end)()]]

local function main()
  local command = { vim.env.NVIM_UNDER_TEST or vim.v.progpath, '--embed', '--headless', '-u', 'NONE', '-i', 'NONE', '-n' }
  child = vim.fn.jobstart(command, { rpc = true })
  editor.lua([[
    vim.o.runtimepath = ... .. ',' .. vim.o.runtimepath
    vim.cmd('runtime! plugin/codriver.lua')
  ]], vim.env.PLUGINS .. '/nvim')
  dofile(vim.env.SCENARIO)(editor)
end

local ok, problem = pcall(main)
report.ok = ok
report.problem = not ok and tostring(problem) or nil
finish(ok and 0 or 1)
