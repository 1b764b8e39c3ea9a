-- Our columns against the editor's own, at every character of some lines.

return function(editor)
  editor.report.wrong = editor.lua([[
    local position = require('codriver.position')
    local wrong = {}
    for _, line in ipairs({ '', 'plain', 'é ü', '漢字かな', 'a😀b👩‍💻c', 'e\204\129', '\t\t𝒳=1' }) do
      local starts = vim.str_utf_pos(line)
      starts[#starts + 1] = #line + 1
      for _, start in ipairs(starts) do
        local byte = start - 1
        local utf32, utf16 = vim.str_utfindex(line, byte)
        for encoding, units in pairs({ ['utf-8'] = byte, ['utf-16'] = utf16, ['utf-32'] = utf32 }) do
          local there, back = position.to_protocol(line, byte, encoding), position.to_bytes(line, units, encoding)
          if there ~= units or back ~= byte then
            wrong[#wrong + 1] = { line, byte, encoding, there, back }
          end
        end
      end
      if position.to_bytes(line, 1000, 'utf-16') ~= #line then
        wrong[#wrong + 1] = { line, 'past the end' }
      end
    end
    return wrong
  ]])
end
