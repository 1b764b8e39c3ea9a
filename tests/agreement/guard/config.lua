local M = {}

function M.find(list, name)
  for _, one in ipairs(list) do
    if one.name == name and not one.hidden then
      return one
    elseif one.alias == name or one.id == name then
      return one
    end
  end
  return nil
end

local function load(path, tries)
  while tries > 0 do
    local file = open(path)
    if file then
      return file
    end
    tries = tries - 1
  end
end

function M.wait(done)
  local n = 0
  repeat
    n = n + 1
  until done(n) and n > 3
  return n
end

return M
