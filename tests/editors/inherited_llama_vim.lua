-- llama.vim as it is, told our address and token: what it shows in insert mode is taken with its own key.

return function(editor)
  local report = editor.report
  editor.lua([[
    local plugin, endpoint, token = ...
    vim.g.llama_config = { endpoint = endpoint, api_key = token, keymap_accept_full = '<Tab>' }
    vim.o.runtimepath = plugin .. ',' .. vim.o.runtimepath
    vim.cmd('edit prices.py')
    vim.cmd('runtime! plugin/llama.vim')
  ]], vim.env.LLAMA_VIM, vim.env.ENDPOINT, vim.env.TOKEN)
  editor.keys('GA<CR>def area(width, height):<CR>    return ')
  editor.await('a suggestion', [[(function()
    local space = vim.api.nvim_get_namespaces()['vt_fim']
    local marks = space and vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }) or {}
    for _, mark in ipairs(marks) do
      local text = mark[4].virt_text
      if text and text[1][1]:match('%S') and text[2][1]:match('| g: %d') then return text[1][1] end
    end
  end)()]], 20000)
  report.before = editor.text()
  editor.keys('<Tab>')
  editor.await('the text', ('#table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\\n") > %d'):format(#report.before), 10000)
  report.text = editor.text()
  report.messages = editor.lua("return vim.api.nvim_exec('messages', true)")
end
