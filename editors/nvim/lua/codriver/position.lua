--- Columns: the protocol counts UTF-16 units (or bytes), Neovim counts bytes.
--- Written out here because the editor's own functions changed their signatures from version to version.

local M = {}

--- The length in bytes of the character that starts with this byte, and its width in UTF-16 units.
local function character(byte)
  if byte < 0xC0 then
    return 1, 1
  elseif byte < 0xE0 then
    return 2, 1
  elseif byte < 0xF0 then
    return 3, 1
  end
  return 4, 2
end

--- The protocol's column of a byte column (both from 0). Columns past the end are the end's.
---@param line string
---@param column integer bytes
---@param encoding string
---@return integer
function M.to_protocol(line, column, encoding)
  column = math.min(column, #line)
  if encoding == 'utf-8' then
    return column
  end
  local at, units = 0, 0
  while at < column do
    local bytes, wide = character(line:byte(at + 1))
    at = at + bytes
    units = units + (encoding == 'utf-32' and 1 or wide)
  end
  return units
end

--- The byte column of the protocol's column (both from 0). Columns past the end are the end's.
---@param line string
---@param units integer
---@param encoding string
---@return integer
function M.to_bytes(line, units, encoding)
  if encoding == 'utf-8' then
    return math.min(units, #line)
  end
  local at, counted = 0, 0
  while at < #line and counted < units do
    local bytes, wide = character(line:byte(at + 1))
    at = at + bytes
    counted = counted + (encoding == 'utf-32' and 1 or wide)
  end
  return math.min(at, #line)
end

return M
