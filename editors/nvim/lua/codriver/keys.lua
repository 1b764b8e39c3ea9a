--- Key maps in insert mode. Without a suggestion a key does what it did before.

local config = require('codriver.config')

local M = {}

local installed = {} ---@type table<string, table|false> the map that was there before, by key

local function coded(keys)
  return vim.api.nvim_replace_termcodes(keys, true, true, true)
end

--- What the key did before: the keys to type, as an expression map returns them. Keys that are
--- coded already, or may be mapped again, go straight into the queue.
local function before(lhs)
  local map = installed[lhs]
  if not map then
    return lhs
  end
  local keys, plain = map.rhs or '', true
  if map.callback then
    if map.expr ~= 1 then
      vim.schedule(map.callback)
      return ''
    end
    keys, plain = map.callback() or '', map.replace_keycodes == 1
  elseif map.expr == 1 then
    keys, plain = vim.api.nvim_eval(keys), false
  end
  if plain and map.noremap == 1 then
    return keys
  end
  vim.api.nvim_feedkeys(plain and coded(keys) or keys, map.noremap == 0 and 'm' or 'n', false)
  return ''
end

--- The keys that call a verb; nil when the key should do what it did before.
local function calling(verb, visible_only, undo_break)
  return function(codriver)
    if visible_only and not codriver.visible() then
      return nil
    end
    return ('%s<Cmd>lua require("codriver").%s()<CR>'):format(undo_break and '<C-g>u' or '', verb)
  end
end

-- Before a suggestion is taken the undo history is broken: one `u` takes it back.
local VERBS = {
  accept = calling('accept', true, true),
  accept_word = calling('accept_word', true, true),
  accept_line = calling('accept_line', true, true),
  next = calling('next', false, false),
  previous = calling('previous', false, false),
  dismiss = calling('dismiss', true, false),
}

--- Sets the key maps of the configuration, once per key.
function M.install()
  for name, lhs in pairs(config.current.keymaps or {}) do
    if lhs and installed[lhs] == nil then
      local map = vim.fn.maparg(lhs, 'i', false, true)
      installed[lhs] = next(map) ~= nil and map.buffer ~= 1 and map or false
      vim.keymap.set('i', lhs, function()
        return VERBS[name](require('codriver')) or before(lhs)
      end, { expr = true, desc = 'Codriver: ' .. name:gsub('_', ' ') })
    end
  end
end

return M
