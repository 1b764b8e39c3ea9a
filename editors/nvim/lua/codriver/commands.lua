--- What the :Codriver... commands do: most ask the server by workspace/executeCommand.

local client = require('codriver.client')
local config = require('codriver.config')
local place = require('codriver.place')
local window = require('codriver.window')

local M = {}

local api = vim.api

M.STRATEGIES = { 'auto', 'balanced', 'cost', 'fuse', 'quality', 'speed' }

local function say(text, level)
  vim.notify('Codriver: ' .. text, level or vim.log.levels.INFO)
end

local function known(server, name)
  local provider = server.server_capabilities.executeCommandProvider or {}
  return vim.tbl_contains(provider.commands or {}, name)
end

--- Runs a server's command for the current buffer; `done` gets its result, an object.
---@param name string
---@param arguments table[]
---@param done fun(result: table, server: table)|nil
local function run(name, arguments, done)
  local buf = api.nvim_get_current_buf()
  local server = client.of(buf)
  if not server then
    return say('no server for this buffer (:checkhealth codriver says why)', vim.log.levels.WARN)
  end
  if not known(server, name) then
    return say(('this server is too old for %s'):format(name), vim.log.levels.WARN)
  end
  local params = { command = name, arguments = arguments }
  client.request(server, 'workspace/executeCommand', params, function(err, result)
    if err then
      return say(err.message or vim.inspect(err), vim.log.levels.ERROR)
    end
    if done then
      done(type(result) == 'table' and result or {}, server)
    end
  end, buf)
end

--- Who did it and for how much, so that nobody takes a simulated answer for a model's.
local function by(done)
  local cost = type(done.cost) == 'number' and done.cost > 0 and (', $%.4f'):format(done.cost) or ''
  return (done.model or '?') .. (done.simulated == true and ' (simulated)' or '') .. cost
end

local function plain(text, otherwise)
  local words = type(text) == 'string' and text:gsub('%.$', '') or ''
  return words ~= '' and words or otherwise
end

--- A command that changes the buffer; with `!` the change is only shown, beside it.
local function change(name, wish, preview, otherwise)
  wish.uri, wish.preview = place.uri(), preview or nil
  run(name, { wish }, function(done, server)
    if preview and type(done.edit) == 'table' then
      local shown = window.preview(done.edit, server.offset_encoding)
      return say(shown and ('proposed by %s: `do` takes a hunk'):format(by(done)) or 'nothing to change here')
    end
    say(('%s, by %s'):format(plain(done.summary, otherwise), by(done)))
  end)
end

--- Changes the range as told; asks for the instruction when there is none.
function M.refactor(arguments)
  local range = place.asked(arguments)
  local function go(instruction)
    if instruction and vim.trim(instruction) ~= '' then
      change('codriver.refactor', { range = range, instruction = instruction }, arguments.bang, 'refactored')
    end
  end
  if arguments.args ~= '' then
    go(arguments.args)
  else
    vim.ui.input({ prompt = 'Refactor: ' }, go)
  end
end

--- Writes the documentation of what is in the range or around the cursor.
function M.document(arguments)
  change('codriver.document', { range = place.asked(arguments) }, arguments.bang, 'documented')
end

--- Mends what the editor's findings at the range or cursor say is wrong.
function M.fix(arguments)
  local found = place.diagnostics(arguments)
  local wish = { range = place.asked(arguments), diagnostics = #found > 0 and found or nil }
  change('codriver.fix', wish, arguments.bang, 'fixed')
end

--- Writes tests of what is in the range or around the cursor into a new file, and opens it.
function M.tests(arguments)
  run('codriver.tests', { { uri = place.uri(), range = place.asked(arguments), preview = arguments.bang or nil } }, function(done)
    if arguments.bang and type(done.text) == 'string' then
      return window.show('tests', ('```%s\n%s\n```'):format(vim.bo.filetype, done.text))
    end
    if type(done.uri) == 'string' then
      vim.cmd('split ' .. vim.fn.fnameescape(vim.uri_to_fname(done.uri)))
    end
    say(('%s, by %s'):format(plain(done.summary, 'tests written'), by(done)))
  end)
end

--- Reviews the range, the whole buffer, or its changes since a state of the repository; with `!` takes the findings away.
function M.review(arguments)
  if arguments.bang then
    return run('codriver.clearReview', { { uri = place.uri() } })
  end
  local wish = { uri = place.uri() }
  if arguments.args and arguments.args ~= '' then
    wish.diff = arguments.args
  elseif arguments.range > 0 then
    wish.range = place.lines(arguments.line1, arguments.line2)
  end
  run('codriver.review', { wish }, function(done)
    say(('%d finding(s), by %s'):format(done.findings or 0, by(done)))
  end)
end

--- Explains the range or what is around the cursor; an argument is a question about it.
function M.explain(arguments)
  local question = arguments.args ~= '' and arguments.args or nil
  run('codriver.explain', { { uri = place.uri(), range = place.asked(arguments), question = question } }, function(done)
    window.show('explain', ('%s\n\n*%s*'):format(done.text or '', by(done)))
  end)
end

--- Proposes names for what is at the cursor; the chosen one goes to the language's own server.
function M.names(arguments)
  run('codriver.suggestNames', { { uri = place.uri(), range = place.asked(arguments) } }, function(done)
    local asked = { prompt = ('Rename %s: '):format(done.old or ''), format_item = function(one)
      return one.why and one.why ~= '' and ('%s  (%s)'):format(one.name, one.why) or one.name
    end }
    vim.ui.select(done.names or {}, asked, function(one)
      if one then
        vim.lsp.buf.rename(one.name)
      end
    end)
  end)
end

--- Writes a commit message: at the top of a commit's buffer, else into a window.
function M.commit_message()
  local buf = api.nvim_get_current_buf()
  local wish = vim.bo[buf].filetype ~= 'gitcommit' and { uri = place.uri() } or {}
  run('codriver.commitMessage', { wish }, function(done)
    local text = vim.trim(done.text or '')
    if vim.bo[buf].filetype ~= 'gitcommit' then
      return window.show('commit', text)
    end
    api.nvim_buf_set_lines(buf, 0, 0, false, vim.split(text, '\n', { plain = true }))
    say('written by ' .. by(done))
  end)
end

--- Shows why the last request went where it went.
function M.why()
  run('codriver.explainLast', {}, function(result)
    if next(result) == nil then
      return say('nothing was decided yet')
    end
    window.show('why', result)
  end)
end

--- Shows the server's state.
function M.status()
  run('codriver.status', {}, function(result)
    window.show('status', result)
  end)
end

--- Shows the strategy, or writes another one into the server's settings, for everything that runs here.
function M.strategy(arguments)
  if arguments.args == '' then
    return run('codriver.status', {}, function(result)
      say('strategy ' .. (result.strategy or 'unknown'))
    end)
  end
  local program = config.program()
  if not program then
    return say("the server's program is not known: `codriver config set routing.strategy=...` in a shell does it", vim.log.levels.WARN)
  end
  local said = vim.trim(vim.fn.system(vim.list_extend(program, { 'config', 'set', 'routing.strategy=' .. arguments.args })))
  if vim.v.shell_error ~= 0 then
    return say(said, vim.log.levels.ERROR)
  end
  say('strategy ' .. arguments.args)
end

--- What the status line needs: the last request's model, whether it was only simulated, and what today cost.
---@param server table
---@param done fun(told: {model: string, simulated: boolean, today: number})
function M.ask_status(server, done)
  client.request(server, 'workspace/executeCommand', { command = 'codriver.status', arguments = {} }, function(err, result)
    local last = not err and type(result) == 'table' and result or {}
    local model = type(last.model) == 'string' and last.model or ''
    done({
      model = model,
      simulated = last.simulated == true or vim.startswith(model, 'simulator/'),
      today = type(last.cost_today) == 'number' and last.cost_today or 0,
    })
  end)
end

--- Keeps the code lenses of a buffer fresh.
function M.keep_lenses(buf)
  if vim.lsp.codelens.enable then
    return vim.lsp.codelens.enable(true, { bufnr = buf })
  end
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
