--- The plugin's front door: setup, the verbs for key maps, the status line.

local client = require('codriver.client')
local config = require('codriver.config')

local M = {}

local ready = false
local status = { model = '', simulated = false, today = 0, asked = 0 }
local paused = false

--- What draws suggestions here: the editor itself (0.12 and later), or our own ghost text.
local function engine()
  local native = require('codriver.native')
  if config.current.engine ~= 'ghost' and native.available() then
    return native
  end
  return require('codriver.ghost')
end

local function buffer(buf)
  return (buf == nil or buf == 0) and vim.api.nvim_get_current_buf() or buf
end

--- Takes the whole suggestion. False when there is none.
function M.accept()
  return engine().accept(buffer(), 'all')
end

--- Takes the next word of the suggestion.
function M.accept_word()
  return engine().accept(buffer(), 'word')
end

--- Takes the suggestion up to the end of its line.
function M.accept_line()
  return engine().accept(buffer(), 'line')
end

--- Shows the next alternative, or asks for some.
function M.next()
  engine().cycle(buffer(), 1)
end

--- Shows the previous alternative, or asks for some.
function M.previous()
  engine().cycle(buffer(), -1)
end

--- Takes the suggestion away: it is not wanted.
function M.dismiss()
  engine().reject(buffer())
end

--- Asks for a suggestion now.
function M.suggest()
  engine().invoke(buffer())
end

--- Is a suggestion on screen?
function M.visible()
  return engine().visible(buffer())
end

--- A buffer got its client: suggestions start. Safe to call twice.
function M.on_attach(server, buf)
  if server.name ~= 'codriver' then
    return
  end
  require('codriver.keys').install()
  if not paused then
    engine().attach(buf)
  end
  if config.current.code_lens and vim.lsp.codelens then
    require('codriver.commands').keep_lenses(buf)
  end
end

--- Where Neovim is older than LspAttach, the client calls this itself.
local function attach(buf)
  client.attach(buf, M.on_attach)
end

--- Reads the options, starts the server for open and coming buffers, and sets the key maps.
---@param options table|nil
function M.setup(options)
  for _, complaint in ipairs(config.apply(options)) do
    vim.notify('Codriver: ' .. complaint, vim.log.levels.WARN)
  end
  require('codriver.keys').install()
  local group = vim.api.nvim_create_augroup('codriver', { clear = true })
  local function on(events, call)
    vim.api.nvim_create_autocmd(events, { group = group, callback = call })
  end
  on({ 'BufReadPost', 'BufNewFile', 'FileType', 'BufWritePost' }, function(event)
    if vim.api.nvim_buf_get_name(event.buf) ~= '' then
      attach(event.buf)
    end
  end)
  -- Unnamed buffers cost a client each, so they get one when somebody starts to write.
  on('InsertEnter', function(event)
    attach(event.buf)
  end)
  on('BufFilePost', function(event)
    client.release(event.buf)
    vim.schedule(function()
      if vim.api.nvim_buf_is_valid(event.buf) then
        attach(event.buf)
      end
    end)
  end)
  on('BufDelete', function(event)
    client.release(event.buf)
  end)
  if ready or vim.v.vim_did_enter == 1 then
    for _, buf in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_get_name(buf) ~= '' then
        attach(buf)
      end
    end
  end
  ready = true
end

--- Ends every client and starts again for the current buffer, when the old one is gone (3 s at most).
function M.restart()
  client.stop()
  local buf, tries = buffer(), 0
  local function again()
    tries = tries + 1
    if #client.all(buf) > 0 and tries < 60 then
      vim.defer_fn(again, 50)
    elseif vim.api.nvim_buf_is_valid(buf) then
      attach(buf)
    end
  end
  again()
end

--- Stops (or begins again) to suggest, in every buffer; the commands work all the same.
---@param on boolean
function M.pause(on)
  paused = on
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if #client.all(buf) > 0 then
      engine()[on and 'detach' or 'attach'](buf)
    end
  end
end

--- What the status line shows, in parts: model of the last request (with its provider), whether it was only simulated,
--- what today cost (USD), and whether suggestions are paused. Never waits; asks the server every five seconds at most.
---@return {model: string, simulated: boolean, today: number, paused: boolean}|nil nil where no server is
function M.status()
  local server = client.of(buffer())
  if not server then
    return nil
  end
  local now = vim.loop.now()
  if status.asked == 0 or now - status.asked > 5000 then
    status.asked = now
    require('codriver.commands').ask_status(server, function(told)
      status = vim.tbl_extend('force', status, told)
    end)
  end
  return { model = status.model, simulated = status.simulated, today = status.today, paused = paused }
end

--- The status in words, for 'statusline': "codriver: model, $0.12 today". Empty where no server is.
---@return string
function M.statusline()
  local now = M.status()
  if not now then
    return ''
  end
  local parts = {}
  if now.paused then
    parts[1] = 'paused'
  elseif now.model ~= '' then
    parts[1] = now.model .. (now.simulated and ' (simulated)' or '')
  end
  if now.today > 0 then
    parts[#parts + 1] = ('$%.2f today'):format(now.today)
  end
  return #parts > 0 and 'codriver: ' .. table.concat(parts, ', ') or 'codriver'
end

return M
