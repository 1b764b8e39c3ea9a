--- How much of a suggestion is taken at once.

local M = {}

--- The next word (with the space before it, and a line break with its indentation) or line of a text.
--- Never empty unless the text is; never cuts a character.
---@param text string
---@param unit 'word'|'line'
---@return string
function M.first(text, unit)
  if unit == 'line' then
    return text:match('^\n?[^\n]*')
  end
  local space = text:match('^%s*')
  local rest = text:sub(#space + 1)
  local word = rest:match('^[%w_\128-\255]+') or rest:match('^[^%w_%s\128-\255]+') or ''
  return space .. word
end

return M
