--- Tells the server what became of a suggestion. What is typed over needs no telling: the server sees it.

local client = require('codriver.client')

local M = {}

---@class codriver.Fated
---@field command table|nil   the item's own command, run when it is taken whole
---@field client_id integer

local function tell(buf, item, command)
  local server = item.command and vim.lsp.get_client_by_id(item.client_id)
  -- Where the editor itself draws, an item may be another server's: that one knows only its own command.
  if server and (server.name == 'codriver' or command == item.command.command) then
    local params = { command = command, arguments = item.command.arguments }
    client.request(server, 'workspace/executeCommand', params, function() end, buf)
  end
end

---@param buf integer
---@param item codriver.Fated
function M.accepted(buf, item)
  tell(buf, item, item.command and item.command.command)
end

---@param buf integer
---@param item codriver.Fated
function M.partly_accepted(buf, item)
  tell(buf, item, 'codriver.partlyAccepted')
end

---@param buf integer
---@param item codriver.Fated
function M.rejected(buf, item)
  tell(buf, item, 'codriver.rejected')
end

return M
