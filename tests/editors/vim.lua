-- Vim in a terminal, without anybody's settings. server: the words of g:codriver_cmd; more: further arguments of Vim.
--
--   local term = dofile('vim.lua')(editor, { 'codriver', 'lsp' }, { '--cmd', 'set rtp^=...', 'file.py' })

return function(editor, server, more)
  local quoted = vim.tbl_map(function(word)
    return ("'%s'"):format(word)
  end, server)
  local command = {
    vim.env.EDITOR_UNDER_TEST, '-N', '-u', 'NONE', '-i', 'NONE', '-n',
    '--cmd', ('let g:codriver_cmd = [%s]'):format(table.concat(quoted, ', ')),
    '--cmd', 'set encoding=utf-8 nocompatible ttimeoutlen=20 laststatus=2 shortmess+=I',
  }
  return dofile(vim.env.HERE .. '/term.lua')(editor, vim.list_extend(command, more))
end
