-- Options with mistakes in them.

return function(editor)
  local report = editor.report
  report.complaints = editor.lua("return require('codriver.config').apply(...)", {
    bogus = 1,
    delay = 'soon',
    engine = 'turbo',
    keymaps = { accpet = '<Tab>' },
    position_encoding = 'utf-8',
  })
  report.delay = editor.lua("return require('codriver.config').current.delay")
  report.kept = editor.lua("return require('codriver.config').current.position_encoding")
end
