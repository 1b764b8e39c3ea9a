--- :checkhealth codriver

local client = require('codriver.client')
local config = require('codriver.config')

local M = {}

local health = vim.health or require('health')
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local info = health.info or health.report_info
local warn = health.warn or health.report_warn
local bad = health.error or health.report_error

local function editor()
  start('Codriver: editor')
  if vim.fn.has('nvim-0.12') == 1 then
    ok('Neovim has inline completion of its own')
  elseif vim.fn.has('nvim-0.10') == 1 then
    ok('ghost text by Codriver, in the line')
  elseif vim.fn.has('nvim-0.7') == 1 then
    warn('this Neovim shows ghost text in the middle of a line at its end only; 0.10 does better')
  else
    bad('Neovim 0.7 or later is needed')
  end
  info('engine: ' .. config.current.engine)
end

local function server()
  start('Codriver: server')
  local cmd, where = config.command()
  if not cmd then
    return bad(where)
  end
  if vim.fn.executable(cmd[1]) == 0 then
    return bad(('%s (from %s) cannot be run'):format(cmd[1], where))
  end
  ok(('%s (from %s)'):format(table.concat(cmd, ' '), where))
  if vim.fn.fnamemodify(cmd[1], ':t'):match('^codriver') then
    local version = vim.trim(vim.fn.system({ cmd[1], '--version' }))
    if vim.v.shell_error == 0 then
      ok(version)
    else
      bad('`codriver --version` fails: ' .. version)
    end
  end
end

--- Clients of one buffer that count columns differently misplace text in Neovim.
local function columns(buf, mine)
  local others = vim.lsp.get_clients and vim.lsp.get_clients({ bufnr = buf }) or {}
  for _, other in ipairs(others) do
    if other.offset_encoding ~= mine.offset_encoding then
      warn(
        ('%s counts columns in %s, Codriver in %s: set position_encoding'):format(
          other.name,
          other.offset_encoding,
          mine.offset_encoding
        )
      )
    end
  end
end

local function clients()
  start('Codriver: clients')
  local all = client.all()
  if #all == 0 then
    return info('none is running; one starts with the first file, or when writing in an unnamed buffer begins')
  end
  for _, running in ipairs(all) do
    local able = running.server_capabilities or {}
    local said = able.inlineCompletionProvider and ok or bad
    local suggests = able.inlineCompletionProvider and 'suggests inline' or 'offers no inline completion'
    said(('client %d: %s, columns in %s'):format(running.id, suggests, running.offset_encoding))
    for buf in pairs(running.attached_buffers or {}) do
      columns(buf, running)
    end
  end
end

local function keys()
  start('Codriver: keys')
  for name, lhs in pairs(config.current.keymaps or {}) do
    if lhs then
      local map = vim.fn.maparg(lhs, 'i', false, true)
      if map.desc == 'Codriver: ' .. name:gsub('_', ' ') then
        ok(('%s: %s'):format(lhs, name))
      else
        warn(('%s is not set to %s here; another map has it, or setup() was not called'):format(lhs, name))
      end
    end
  end
end

function M.check()
  editor()
  server()
  clients()
  keys()
end

return M
