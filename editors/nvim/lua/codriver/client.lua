--- The language client: which buffers it serves, how it starts, how it is asked.
---
--- Unnamed buffers all have the address `file://` in Neovim, so each gets a client of its own:
--- the server then keeps them apart by connection.

local config = require('codriver.config')

local M = {}

local methods = vim.fn.has('nvim-0.11') == 1 -- client:request(...) instead of client.request(...)
local private = {} ---@type table<integer, integer> unnamed buffer -> its client's id
local complained = false

--- The running clients named codriver, of one buffer or of all.
---@param buf integer|nil
---@return table[]
function M.all(buf)
  local clients = {}
  local running
  if vim.lsp.get_clients then
    running = vim.lsp.get_clients({ bufnr = buf })
  elseif buf then
    running = vim.tbl_values(vim.lsp.buf_get_clients(buf))
  else
    running = vim.lsp.get_active_clients()
  end
  for _, client in ipairs(running) do
    if client.name == 'codriver' then
      clients[#clients + 1] = client
    end
  end
  return clients
end

--- The client that serves a buffer and has said hello.
---@param buf integer
---@return table|nil
function M.of(buf)
  for _, client in ipairs(M.all(buf)) do
    if client.initialized ~= false and client.server_capabilities then
      return client
    end
  end
  return nil
end

--- Sends a request; the handler gets (err, result).
---@return integer|nil id of the request, for `cancel`
function M.request(client, method, params, handler, buf)
  local function answered(err, result)
    handler(err, result)
  end
  local sent, id
  if methods then
    sent, id = client:request(method, params, answered, buf)
  else
    sent, id = client.request(method, params, answered, buf)
  end
  return sent and id or nil
end

function M.cancel(client, id)
  if methods then
    client:cancel_request(id)
  else
    client.cancel_request(id)
  end
end

local function stop(client)
  if methods then
    client:stop()
  else
    client.stop()
  end
end

--- Does the server belong to this buffer: a text the user edits, of a bearable size?
---@param buf integer
---@return boolean
function M.wanted(buf)
  local options = config.current
  if not options.enabled or not vim.api.nvim_buf_is_loaded(buf) or vim.bo[buf].buftype ~= '' then
    return false
  end
  if options.filetypes_excluded[vim.bo[buf].filetype] or not vim.bo[buf].modifiable then
    return false
  end
  local lines = vim.api.nvim_buf_line_count(buf)
  return vim.api.nvim_buf_get_offset(buf, lines) <= options.max_bytes
end

--- The nearest folder upwards with one of the markers, else the file's folder, else the working one.
local function root(buf, markers)
  local name = vim.api.nvim_buf_get_name(buf)
  local folder = name ~= '' and vim.fn.fnamemodify(name, ':p:h') or vim.fn.getcwd()
  if folder:match('^%a[%w+.-]+://') then
    return vim.fn.getcwd()
  end
  local start, previous = folder, nil
  while folder ~= previous do
    for _, marker in ipairs(markers) do
      if vim.loop.fs_stat(folder .. '/' .. marker) then
        return folder
      end
    end
    previous, folder = folder, vim.fn.fnamemodify(folder, ':h')
  end
  return start
end

local function start(buf, wish, alone)
  if vim.lsp.start then
    return vim.lsp.start(wish, {
      bufnr = buf,
      reuse_client = function(client, other)
        local mine = client.config or {}
        local shared = not alone and not vim.tbl_contains(vim.tbl_values(private), client.id)
        return shared and client.name == other.name and mine.root_dir == other.root_dir
      end,
    })
  end
  for _, client in ipairs(M.all()) do
    local shared = not alone and not vim.tbl_contains(vim.tbl_values(private), client.id)
    if shared and client.config.root_dir == wish.root_dir then
      vim.lsp.buf_attach_client(buf, client.id)
      return client.id
    end
  end
  local id = vim.lsp.start_client(wish)
  if id then
    vim.lsp.buf_attach_client(buf, id)
  end
  return id
end

--- Serves a buffer, once. Says so, once, when there is no server.
---@param buf integer
---@param on_attach fun(client: table, buf: integer)|nil called where the editor has no LspAttach event
function M.attach(buf, on_attach)
  if private[buf] or not M.wanted(buf) or #M.all(buf) > 0 then
    return
  end
  local wish = config.client()
  if not wish.cmd then
    if not complained then
      complained = true
      local _, reason = config.command()
      vim.notify('Codriver: ' .. reason, vim.log.levels.WARN)
    end
    return
  end
  local alone = vim.api.nvim_buf_get_name(buf) == ''
  wish.root_dir = root(buf, wish.root_markers)
  if vim.fn.has('nvim-0.8') == 0 then
    wish.on_attach = on_attach
  end
  wish.handlers = alone and require('codriver.unnamed').handlers(buf) or nil
  local id = start(buf, wish, alone)
  if alone and id then
    private[buf] = id
  end
end

--- A buffer got a name or went away: its private client ends.
---@param buf integer
function M.release(buf)
  local id = private[buf]
  private[buf] = nil
  local client = id and vim.lsp.get_client_by_id(id)
  if client then
    stop(client)
  end
end

--- Stops every client; a later attach starts anew.
function M.stop()
  for _, client in ipairs(M.all()) do
    stop(client)
  end
  private = {}
end

return M
