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

local function words(list)
  return function(lead)
    return vim.tbl_filter(function(word)
      return vim.startswith(word, lead)
    end, list())
  end
end

local function states()
  return { 'staged', 'unstaged', 'head' }
end

local function strategies()
  return require('codriver.commands').STRATEGIES
end

local RANGE = { range = true, bang = true }
local function ranged(more)
  return vim.tbl_extend('force', RANGE, more)
end

command('CodriverRefactor', 'refactor', ranged({ nargs = '*', desc = 'Change the range as told; ! only shows it' }))
command('CodriverDocument', 'document', ranged({ desc = 'Write documentation; ! only shows it' }))
command('CodriverFix', 'fix', ranged({ desc = 'Mend what the findings here say; ! only shows it' }))
command('CodriverTests', 'tests', ranged({ desc = 'Write tests into a new file; ! only shows them' }))
command(
  'CodriverReview',
  'review',
  ranged({ nargs = '?', complete = words(states), desc = 'Review the buffer, range or changes; ! clears' })
)
command('CodriverExplain', 'explain', { nargs = '*', range = true, desc = 'Explain the code, or answer a question' })
command('CodriverNames', 'names', { range = true, desc = 'Propose names for what is at the cursor' })
command('CodriverCommitMessage', 'commit_message', { desc = 'Write a commit message for the changes' })
command('CodriverWhy', 'why', { desc = 'Why the last request went where it went' })
command('CodriverStatus', 'status', { desc = "The server's state" })
command('CodriverStrategy', 'strategy', { nargs = '?', complete = words(strategies), desc = 'Show or choose the strategy' })

local function plain(name, call, desc)
  vim.api.nvim_create_user_command(name, call, { desc = desc })
end

plain('CodriverPause', function()
  require('codriver').pause(true)
end, 'Suggest nothing until CodriverResume')
plain('CodriverResume', function()
  require('codriver').pause(false)
end, 'Suggest again')
plain('CodriverRestart', function()
  require('codriver').restart()
end, 'Restart the server for the current buffer')

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
