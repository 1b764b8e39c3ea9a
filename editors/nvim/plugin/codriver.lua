-- The commands and the highlight group. Everything else is loaded when first used.

if vim.g.loaded_codriver then
  return
end
vim.g.loaded_codriver = true

if vim.fn.has('nvim-0.7') == 0 then
  vim.cmd('echomsg "Codriver needs Neovim 0.7 or later"')
  return
end

local function command(name, verb, options)
  vim.api.nvim_create_user_command(name, function(arguments)
    require('codriver.commands')[verb](arguments)
  end, options)
end

command('CodriverRefactor', 'refactor', { nargs = '*', range = true, desc = 'Change the range as told' })
command('CodriverReview', 'review', { range = true, bang = true, desc = 'Review the buffer or range; ! clears' })
command('CodriverExplain', 'explain', { desc = 'Why the last request went where it went' })
command('CodriverStatus', 'status', { desc = "The server's state" })
vim.api.nvim_create_user_command('CodriverRestart', function()
  require('codriver').restart()
end, { desc = 'Restart the server for the current buffer' })

local function colours()
  vim.api.nvim_set_hl(0, 'CodriverGhost', { link = vim.fn.has('nvim-0.12') == 1 and 'ComplHint' or 'Comment', default = true })
end
colours()
local group = vim.api.nvim_create_augroup('codriver.plugin', { clear = true })
vim.api.nvim_create_autocmd('ColorScheme', { group = group, callback = colours })

-- Also for those who only say vim.lsp.enable('codriver') and never setup().
if vim.fn.has('nvim-0.8') == 1 then
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local server = vim.lsp.get_client_by_id(event.data.client_id)
      if server and server.name == 'codriver' then
        require('codriver').on_attach(server, event.buf)
      end
    end,
  })
end
