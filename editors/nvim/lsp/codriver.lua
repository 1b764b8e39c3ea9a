-- For vim.lsp.config and vim.lsp.enable('codriver'), Neovim 0.11 and later.
local client = require('codriver.config').client()
client.cmd = client.cmd or { 'codriver', 'lsp', '--stdio' } -- so that the editor says what is missing
return client
