--- Ghost text of our own, by extmarks: for editors without vim.lsp.inline_completion, or by choice.
---
--- A suggestion replaces the text from `item.row, item.col` up to and with `item.tail`, the text
--- that stood between cursor and range end when it came. While what stands before the cursor is a
--- beginning of it, the rest is shown; typing along needs no new answer to stay on screen.

local client = require('codriver.client')
local config = require('codriver.config')
local fate = require('codriver.fate')
local position = require('codriver.position')

local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace('codriver.ghost')
local INVOKED, AUTOMATIC = 1, 2
local inline = vim.fn.has('nvim-0.10') == 1 -- virtual text that shifts the text behind it

---@class codriver.Item
---@field text string
---@field row integer from 0
---@field col integer bytes
---@field tail string
---@field command table|nil
---@field client_id integer

---@class codriver.State
---@field items codriver.Item[]
---@field index integer
---@field place string           what was last asked for: text version and cursor
---@field turn integer           grows with every key; an older turn's work is dropped
---@field pending {client: table, id: integer}|nil

---@type table<integer, codriver.State>
local states = {}

local function cursor()
  local at = api.nvim_win_get_cursor(0)
  return at[1] - 1, at[2]
end

local function line_at(buf, row)
  return api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ''
end

local function inserting()
  return api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

--- The suggestion on turn, and what of it is still to come; nil when it does not fit the text any more.
---@return codriver.Item|nil, string|nil
local function current(buf)
  local state = states[buf]
  local item = state and state.items[state.index]
  if not item or api.nvim_get_current_buf() ~= buf then
    return nil
  end
  local row, col = cursor()
  if row < item.row or (row == item.row and col < item.col) then
    return nil
  end
  local typed = table.concat(api.nvim_buf_get_text(buf, item.row, item.col, row, col, {}), '\n')
  local after = line_at(buf, row):sub(col + 1)
  if not vim.startswith(item.text, typed) or not vim.startswith(after, item.tail) then
    return nil
  end
  local rest = item.text:sub(#typed + 1)
  if rest == '' or rest == item.tail then
    return nil
  end
  return item, rest
end

--- Tabs are drawn as the buffer shows them; virtual text would not.
local function drawn(text, column)
  local width = vim.bo.tabstop
  local out, at = {}, column
  for piece, tab in text:gmatch('([^\t]*)(\t?)') do
    at = at + vim.fn.strdisplaywidth(piece)
    out[#out + 1] = piece
    if tab ~= '' then
      local blanks = width - at % width
      at = at + blanks
      out[#out + 1] = (' '):rep(blanks)
    end
  end
  return table.concat(out)
end

local function draw(buf, item, rest)
  local row, col = cursor()
  local lines = vim.split(rest, '\n', { plain = true })
  local line = line_at(buf, row)
  local first, place = lines[1], 'overlay'
  if col + #item.tail < #line then
    place = inline and 'inline' or 'eol'
  end
  if #lines == 1 and item.tail ~= '' and vim.endswith(first, item.tail) then
    first = first:sub(1, -#item.tail - 1) -- the closing part stands there already
    place = inline and 'inline' or 'overlay'
  end
  local options = { hl_mode = 'combine', virt_text_pos = place }
  if first ~= '' then
    options.virt_text = { { drawn(first, vim.fn.virtcol('.') - 1), 'CodriverGhost' } }
  end
  if #lines > 1 then
    options.virt_lines = {}
    for i = 2, #lines do
      options.virt_lines[i - 1] = { { drawn(lines[i], 0), 'CodriverGhost' } }
    end
  end
  api.nvim_buf_set_extmark(buf, namespace, row, col, options)
end

--- Draws what is to be seen now, or nothing.
local function refresh(buf)
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  local item, rest = current(buf)
  if item and inserting() then
    draw(buf, item, rest)
  end
end

--- The protocol's item as ours; nil for what cannot be shown (snippets, ranges over several lines).
---@return codriver.Item|nil
local function understood(buf, raw, from, row, col)
  if type(raw.insertText) ~= 'string' then
    return nil
  end
  local item = { text = (raw.insertText:gsub('\r\n?', '\n')), row = row, col = col, tail = '' }
  item.command, item.client_id = raw.command, from.id
  if raw.range then
    local first, last = raw.range.start, raw.range['end']
    if first.line ~= row or last.line ~= row then
      return nil
    end
    local line = line_at(buf, row)
    item.col = position.to_bytes(line, first.character, from.offset_encoding)
    item.tail = line:sub(col + 1, math.max(col, position.to_bytes(line, last.character, from.offset_encoding)))
  end
  return item
end

local function forget(state)
  state.turn = state.turn + 1
  if state.pending then
    client.cancel(state.pending.client, state.pending.id)
    state.pending = nil
  end
end

--- Asks now. An answer to an older text or cursor is dropped.
local function ask(buf, kind)
  local state, server = states[buf], client.of(buf)
  if not state or not server or not server.server_capabilities.inlineCompletionProvider then
    return
  end
  forget(state)
  local turn, tick = state.turn, api.nvim_buf_get_changedtick(buf)
  local row, col = cursor()
  local character = position.to_protocol(line_at(buf, row), col, server.offset_encoding)
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(buf) },
    position = { line = row, character = character },
    context = { triggerKind = kind },
  }
  local id = client.request(server, 'textDocument/inlineCompletion', params, function(err, result)
    if states[buf] ~= state or state.turn ~= turn then
      return
    end
    state.pending = nil
    if err or not inserting() or not api.nvim_buf_is_valid(buf) then
      return
    end
    if api.nvim_get_current_buf() ~= buf or api.nvim_buf_get_changedtick(buf) ~= tick then
      return
    end
    state.items, state.index = {}, 1
    for _, raw in ipairs(type(result) == 'table' and (result.items or result) or {}) do
      state.items[#state.items + 1] = understood(buf, raw, server, row, col)
    end
    refresh(buf)
  end, buf)
  if id then
    state.pending = { client = server, id = id }
  end
end

local function menu_in_use()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected >= 0
end

--- After a key: what was shown is drawn anew if it still fits, and a new request goes out shortly.
local function moved(buf)
  local state = states[buf]
  if not state or not inserting() then
    return
  end
  local row, col = cursor()
  local place = ('%d:%d:%d'):format(api.nvim_buf_get_changedtick(buf), row, col)
  if place == state.place then
    return -- TextChangedI and CursorMovedI come both for one key
  end
  state.place = place
  forget(state)
  refresh(buf)
  if menu_in_use() then
    return
  end
  local turn = state.turn
  vim.defer_fn(function()
    if states[buf] == state and state.turn == turn and inserting() and api.nvim_get_current_buf() == buf then
      ask(buf, AUTOMATIC)
    end
  end, config.current.delay)
end

--- Starts to suggest in a buffer.
---@param buf integer
function M.attach(buf)
  if states[buf] then
    return
  end
  states[buf] = { items = {}, index = 1, place = '', turn = 0 }
  local group = api.nvim_create_augroup('codriver.ghost.' .. buf, { clear = true })
  local function on(events, call)
    api.nvim_create_autocmd(events, { group = group, buffer = buf, callback = call })
  end
  on({ 'InsertEnter', 'TextChangedI', 'TextChangedP', 'CursorMovedI' }, function()
    moved(buf)
  end)
  on({ 'InsertLeave', 'BufLeave' }, function()
    M.dismiss(buf)
    states[buf].place = ''
  end)
  on({ 'BufUnload' }, function()
    M.detach(buf)
  end)
  if inserting() then
    moved(buf)
  end
end

--- Stops suggesting in a buffer.
---@param buf integer
function M.detach(buf)
  if states[buf] then
    forget(states[buf])
    states[buf] = nil
    api.nvim_create_augroup('codriver.ghost.' .. buf, { clear = true })
    if api.nvim_buf_is_loaded(buf) then
      api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
    end
  end
end

--- Is a suggestion on screen?
---@param buf integer
---@return boolean
function M.visible(buf)
  return inserting() and current(buf) ~= nil
end

--- Takes the suggestion away; it comes back only with another key.
---@param buf integer
function M.dismiss(buf)
  local state = states[buf]
  if state then
    forget(state)
    state.items = {}
    refresh(buf)
  end
end

--- Asks at once, whatever the server would have thought of doing by itself.
---@param buf integer
function M.invoke(buf)
  ask(buf, INVOKED)
end

--- Shows the next (1) or previous (-1) alternative; with only one, asks for more.
---@param buf integer
---@param step integer
function M.cycle(buf, step)
  local state = states[buf]
  if not state or #state.items < 2 then
    return M.invoke(buf)
  end
  state.index = (state.index - 1 + step) % #state.items + 1
  refresh(buf)
end

--- Writes `text` over the next `tail` bytes at the cursor, and moves the cursor behind it.
local function write(buf, text, tail)
  local row, col = cursor()
  local lines = vim.split(text, '\n', { plain = true })
  api.nvim_buf_set_text(buf, row, col, row, col + tail, lines)
  local last = #lines[#lines]
  api.nvim_win_set_cursor(0, { row + #lines, #lines == 1 and col + last or last })
end

--- Takes the suggestion, or its next word or line, into the text, and tells the server.
---@param buf integer
---@param unit 'all'|'word'|'line'
---@return boolean taken
function M.accept(buf, unit)
  local item, rest = current(buf)
  if not item then
    return false
  end
  local part = unit == 'all' and rest or require('codriver.unit').first(rest, unit)
  if part == rest then
    write(buf, rest, #item.tail)
    M.dismiss(buf)
    fate.accepted(buf, item)
  else
    write(buf, part, 0)
    refresh(buf)
    fate.partly_accepted(buf, item)
  end
  return true
end

--- Takes the suggestion away because the user does not want it, and tells the server.
---@param buf integer
function M.reject(buf)
  local item = current(buf)
  M.dismiss(buf)
  if item then
    fate.rejected(buf, item)
  end
end

return M
