--- What a user may write, its defaults, and the language client's configuration made from it.

local M = {}

---@class codriver.Keymaps
---@field accept string|false
---@field accept_word string|false
---@field accept_line string|false
---@field next string|false
---@field previous string|false
---@field dismiss string|false

---@class codriver.Config
---@field cmd string[]|nil          how the server is started; nil finds it
---@field cmd_env table<string, string>|nil
---@field enabled boolean           start and suggest by itself
---@field engine 'auto'|'native'|'ghost'
---@field delay integer             ms between the last key and the request (own ghost text only)
---@field position_encoding 'utf-16'|'utf-8'
---@field filetypes_excluded table<string, boolean>
---@field max_bytes integer         larger buffers are not attached
---@field root_markers string[]
---@field code_lens boolean
---@field keymaps codriver.Keymaps|false
---@field settings table            sent to the server as they are
M.defaults = {
  cmd = nil,
  cmd_env = nil,
  enabled = true,
  engine = 'auto',
  delay = 30,
  position_encoding = 'utf-16',
  filetypes_excluded = { gitrebase = true, help = true, man = true, netrw = true, qf = true },
  max_bytes = 4 * 1024 * 1024,
  root_markers = { '.git', 'pyproject.toml', 'package.json', 'go.mod', 'Cargo.toml' },
  code_lens = false,
  keymaps = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-Down>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
  },
  settings = {},
}

local OPTIONAL = { cmd = 'table', cmd_env = 'table' }
local OR_FALSE = { keymaps = true }
local CHOICES = {
  engine = { auto = true, native = true, ghost = true },
  position_encoding = { ['utf-16'] = true, ['utf-8'] = true },
}

---@type codriver.Config
M.current = vim.deepcopy(M.defaults)

--- What is wrong with one option, or nil.
---@param key string
---@param value any
---@return string|nil
local function complaint(key, value)
  local wanted = OPTIONAL[key] or (M.defaults[key] ~= nil and type(M.defaults[key]))
  if not wanted then
    return ('unknown option %q'):format(key)
  end
  if OR_FALSE[key] and value == false then
    return nil
  end
  if type(value) ~= wanted then
    return ('option %q should be a %s, not a %s'):format(key, wanted, type(value))
  end
  if CHOICES[key] and not CHOICES[key][value] then
    local choices = vim.tbl_keys(CHOICES[key])
    table.sort(choices)
    return ('option %q should be one of %s'):format(key, table.concat(choices, ', '))
  end
  for name in pairs(key == 'keymaps' and value or {}) do
    if M.defaults.keymaps[name] == nil then
      return ('unknown key map %q'):format(name)
    end
  end
  return nil
end

--- Takes the user's options over the defaults. Wrong ones are left out.
---@param options table|nil
---@return string[] complaints
function M.apply(options)
  local complaints, taken = {}, {}
  for key, value in pairs(options or {}) do
    local wrong = complaint(key, value)
    if wrong then
      complaints[#complaints + 1] = wrong
    else
      taken[key] = value
    end
  end
  M.current = vim.tbl_deep_extend('force', vim.deepcopy(M.defaults), taken)
  table.sort(complaints)
  return complaints
end

--- The command that starts the server, and where it was found; nil and a reason when it is nowhere.
---@return string[]|nil cmd, string where
function M.command()
  if M.current.cmd then
    return M.current.cmd, 'the option cmd'
  end
  local found = vim.fn.exepath('codriver')
  if found ~= '' then
    return { found, 'lsp', '--stdio' }, 'PATH'
  end
  local environment = vim.env.VIRTUAL_ENV
  for _, path in ipairs({ '/bin/codriver', '/Scripts/codriver.exe' }) do
    if environment and vim.fn.executable(environment .. path) == 1 then
      return { environment .. path, 'lsp', '--stdio' }, 'VIRTUAL_ENV'
    end
  end
  return nil, 'codriver is not on PATH: `pip install codriver` (or pipx, uv tool), or set the option cmd'
end

--- The words that start the program itself, for its other commands; nil where they cannot be told.
---@return string[]|nil
function M.program()
  local words = {}
  for _, word in ipairs(M.command() or {}) do
    if word == 'lsp' then
      return words
    end
    words[#words + 1] = word
  end
  return nil
end

--- What the client tells the server it can do.
---
--- Neovim offers UTF-8 first, but mixes columns up when clients of one buffer disagree, and most
--- other servers speak UTF-16 only: so UTF-16 unless the user says otherwise.
---@return table
local function capabilities()
  local known = vim.lsp.protocol.make_client_capabilities()
  known.general = known.general or {}
  known.general.positionEncodings = { M.current.position_encoding }
  known.textDocument.inlineCompletion = { dynamicRegistration = false }
  if vim.fn.has('nvim-0.10') == 0 then
    known.general.positionEncodings = { 'utf-16' } -- older ones do not read the server's answer
  end
  return known
end

--- The configuration for vim.lsp.start and vim.lsp.config. `cmd` is nil when no server was found.
---@return table
function M.client()
  return {
    name = 'codriver',
    cmd = (M.command()),
    cmd_env = M.current.cmd_env,
    capabilities = capabilities(),
    root_markers = M.current.root_markers,
    settings = { codriver = next(M.current.settings) and M.current.settings or vim.empty_dict() },
    init_options = { editor = 'neovim' },
    flags = { debounce_text_changes = 0 }, -- each key by itself: the server tells typing from pasting
  }
end

return M
