-- The real server and a file: a code action is chosen from the editor's own list and changes the text.

return function(editor)
  local report = editor.report
  editor.lua([[
    vim.cmd('filetype on')
    require('codriver').setup(...)
    vim.fn.writefile({ 'def add(a, b):', '    c = a + b', '    return c' }, 'sum.py')
    vim.cmd('edit sum.py')
    vim.ui.select = function(items, options, choose)
      _G.titles = vim.tbl_map(options.format_item, items)
      for index, item in ipairs(items) do
        if _G.titles[index]:match('Refactor function') then
          return choose(item, index)
        end
      end
    end
  ]], { cmd = { vim.env.PYTHON, '-m', 'codriver', 'lsp', '--stdio' } })
  editor.await('a client', "require('codriver.client').of(0) ~= nil", 20000)
  report.before = editor.text()
  editor.keys('j:lua vim.lsp.buf.code_action()<CR>')
  editor.await('a choice', '_G.titles ~= nil', 10000)
  report.titles = editor.lua('return _G.titles')
  editor.await('another text', 'vim.api.nvim_buf_get_changedtick(0) > 2 and vim.bo.modified', 10000)
  report.after = editor.text()
  editor.keys('u')
  editor.await('it is undone', 'not vim.bo.modified')
  report.undone = editor.text()
  report.health = editor.lua([[
    vim.cmd('checkhealth codriver')
    return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  ]])
end
