-- Kakoune with what `codriver connect kakoune` wrote, read by the real program; kakoune-lsp itself is in no registry, so
-- only its option is declared, and what reaches it is told.

return function(editor)
  local report = editor.report
  report.said = dofile(vim.env.HERE .. '/connected.lua')('kakoune')
  local term = dofile(vim.env.HERE .. '/term.lua')(editor, {
    vim.env.EDITOR_UNDER_TEST, '-n', '-e',
    'declare-option str lsp_servers; source ' .. vim.env.XDG_CONFIG_HOME .. '/kak/kakrc', 'sum.py',
  })
  term.await('the file', 'sum.py')
  term.keys(':set-option buffer filetype python<CR>')
  term.keys(':echo -to-file servers.toml %opt{lsp_servers}<CR>')
  assert(vim.wait(20000, function()
    return vim.fn.filereadable('servers.toml') == 1
  end, 20), 'never came: the file')
  report.screen = term.screen()
  report.servers = term.written('servers.toml')
  term.keys(':quit!<CR>')
  report.status = term.ended()
end
