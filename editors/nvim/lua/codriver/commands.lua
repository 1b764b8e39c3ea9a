--- What the :Codriver... commands do: each asks the server by workspace/executeCommand.

local client = require('codriver.client')
local position = require('codriver.position')

local M = {}

local api = vim.api

local function say(text, level)
  vim.notify('Codriver: ' .. text, level or vim.log.levels.INFO)
end

--- Runs a server's command for the current buffer; `done` gets its result.
---@param name string
---@param arguments table[]
---@param done fun(result: any)|nil
local function run(name, arguments, done)
  local buf = api.nvim_get_current_buf()
  local server = client.of(buf)
  if not server then
    return say('no server for this buffer (:checkhealth codriver says why)', vim.log.levels.WARN)
  end
  local params = { command = name, arguments = arguments }
  client.request(server, 'workspace/executeCommand', params, function(err, result)
    if err then
      return say(err.message or vim.inspect(err), vim.log.levels.ERROR)
    end
    if done then
      done(result)
    end
  end, buf)
end

--- The protocol's range of whole lines (from 1, inclusive) of the current buffer.
local function lines_range(first, last)
  local server = client.of(api.nvim_get_current_buf())
  local line = api.nvim_buf_get_lines(0, last - 1, last, false)[1] or ''
  local encoding = server and server.offset_encoding or 'utf-16'
  return {
    start = { line = first - 1, character = 0 },
    ['end'] = { line = last - 1, character = position.to_protocol(line, #line, encoding) },
  }
end

--- The range a command was given, or the place of the cursor as an empty one.
local function asked_range(arguments)
  if arguments.range and arguments.range > 0 then
    return lines_range(arguments.line1, arguments.line2)
  end
  local at = api.nvim_win_get_cursor(0)
  local server = client.of(api.nvim_get_current_buf())
  local encoding = server and server.offset_encoding or 'utf-16'
  local place = {
    line = at[1] - 1,
    character = position.to_protocol(api.nvim_get_current_line(), at[2], encoding),
  }
  return { start = place, ['end'] = place }
end

--- Shows a text in a window below, closed by `q`.
local function show(title, text)
  local markdown = type(text) == 'string'
  local shown = markdown and text or vim.fn.json_encode(text)
  if not markdown and vim.json and vim.fn.executable('python3') == 1 then
    local pretty = vim.fn.system({ 'python3', '-m', 'json.tool', '--no-ensure-ascii' }, shown)
    shown = vim.v.shell_error == 0 and pretty or shown
  end
  vim.cmd('botright new')
  local buf = api.nvim_get_current_buf()
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = 'nofile', 'wipe', false
  api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(vim.trim(shown), '\n', { plain = true }))
  vim.bo[buf].modifiable = false
  vim.bo[buf].filetype = markdown and 'markdown' or 'json'
  api.nvim_buf_set_name(buf, ('codriver://%s/%d'):format(title, buf))
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, nowait = true })
end

--- Who did it, so that nobody takes a simulated answer for a model's.
local function by(done)
  return (done.model or '?') .. (done.simulated == true and ' (simulated)' or '')
end

--- Changes the range as told; asks for the instruction when there is none.
function M.refactor(arguments)
  local uri, range = vim.uri_from_bufnr(0), asked_range(arguments)
  local function go(instruction)
    if instruction and vim.trim(instruction) ~= '' then
      run('codriver.refactor', { { uri = uri, range = range, instruction = instruction } }, function(result)
        local done = type(result) == 'table' and result or {}
        local what = (done.summary or ''):gsub('%.$', '')
        say(('%s, by %s'):format(what ~= '' and what or 'refactored', by(done)))
      end)
    end
  end
  if arguments.args ~= '' then
    go(arguments.args)
  else
    vim.ui.input({ prompt = 'Refactor: ' }, go)
  end
end

--- Reviews the range, or the whole buffer; with `!` takes the findings away.
function M.review(arguments)
  local uri = vim.uri_from_bufnr(0)
  if arguments.bang then
    return run('codriver.clearReview', { { uri = uri } })
  end
  local wish = { uri = uri }
  if arguments.range > 0 then
    wish.range = lines_range(arguments.line1, arguments.line2)
  end
  run('codriver.review', { wish }, function(result)
    local done = type(result) == 'table' and result or {}
    say(('%d finding(s), by %s'):format(done.findings or 0, by(done)))
  end)
end

--- Shows why the last request went where it went.
function M.explain()
  run('codriver.explainLast', {}, function(result)
    if result == nil or result == vim.NIL then
      return say('nothing was decided yet')
    end
    show('explain', result)
  end)
end

--- Shows the server's state.
function M.status()
  run('codriver.status', {}, function(result)
    show('status', result)
  end)
end

--- A line about the last request, for the status line: its model, and whether it was only simulated.
---@param server table
---@param done fun(text: string)
function M.ask_status(server, done)
  client.request(server, 'workspace/executeCommand', { command = 'codriver.status', arguments = {} }, function(err, result)
    local last = not err and type(result) == 'table' and result or {}
    local text = type(last.model) == 'string' and last.model or ''
    local simulated = last.simulated
    if simulated == nil then
      simulated = vim.startswith(text, 'simulator/')
    end
    done(simulated and text .. ' (simulated)' or text)
  end)
end

--- Keeps the code lenses of a buffer fresh.
function M.keep_lenses(buf)
  local group = api.nvim_create_augroup('codriver.lens.' .. buf, { clear = true })
  api.nvim_create_autocmd({ 'BufEnter', 'BufWritePost', 'InsertLeave' }, {
    group = group,
    buffer = buf,
    callback = function()
      if client.of(buf) then
        vim.lsp.codelens.refresh({ bufnr = buf })
      end
    end,
  })
end

return M
