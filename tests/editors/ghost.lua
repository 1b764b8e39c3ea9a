-- The fake server's suggestion in an unnamed buffer: shown, typed along, taken in parts and whole.

return function(editor)
  local report = editor.report
  editor.lua("require('codriver').setup(...)", {
    cmd = { vim.env.PYTHON, vim.env.FAKE },
    delay = 5,
    engine = vim.env.ENGINE or 'ghost',
  })
  editor.keys('idef add(a, b):<CR>')
  editor.keys('    x = "😀é"; re')
  editor.await('a client', "#require('codriver.client').all(0) == 1")
  editor.await('the whole suggestion', editor.GHOST .. " ~= nil")
  report.shown = editor.lua('return ' .. editor.GHOST)

  editor.keys('tu')
  editor.await('the rest, typed along', '(' .. editor.GHOST .. " or ''):match('^rn a') ~= nil")

  editor.keys('<M-Right>')
  editor.await('the next word', "vim.api.nvim_get_current_line():match('return$') ~= nil")
  editor.await('the rest is drawn again', '(' .. editor.GHOST .. " or ''):match('^ a ') ~= nil")

  editor.keys('<Tab>')
  editor.await('the whole', "vim.api.nvim_buf_line_count(0) == 6")
  report.text = editor.text()
  report.cursor = editor.lua('return vim.api.nvim_win_get_cursor(0)')
  editor.await('no ghost', editor.GHOST .. ' == nil')

  -- No suggestion: the key is what it was.
  editor.keys('<CR># <Tab>.')
  editor.await('a tab', "vim.api.nvim_get_current_line():match('# \\t%.$') ~= nil")

  report.typed = editor.text()

  editor.keys('<Esc>ggore')
  editor.await('a suggestion again', editor.GHOST .. ' ~= nil')
  editor.keys('<C-]>')
  editor.await('dismissed', editor.GHOST .. ' == nil')
  report.status = editor.lua([[
    local answer
    local client = require('codriver.client')
    client.request(client.of(0), 'workspace/executeCommand', { command = 'codriver.status' }, function(_, result)
      answer = result
    end, vim.api.nvim_get_current_buf())
    vim.wait(2000, function() return answer ~= nil end, 10)
    return answer
  ]])
  report.text_at_the_end = editor.text()
  editor.keys('<Esc>u')
  editor.await('normal mode', "vim.api.nvim_get_mode().mode == 'n'")
end
