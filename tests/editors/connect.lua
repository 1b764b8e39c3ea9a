-- What `codriver connect neovim` wrote, without our plugin: the editor's own client starts the server for a file.

return function(editor)
  dofile(vim.env.HERE .. '/connected.lua')('neovim')
  editor.lua([[
    vim.cmd('filetype on')
    vim.cmd('source ' .. vim.env.XDG_CONFIG_HOME .. '/nvim/plugin/codriver.lua')
    vim.cmd('edit sum.py')
  ]])
  editor.await('a client', 'vim.lsp.get_active_clients()[1].initialized', 20000)
  editor.report.encoding = editor.lua('return vim.lsp.get_active_clients()[1].offset_encoding')
end
