" Codriver by ALE, beside the linters it has: completion, findings, code actions (:ALECodeAction).
" After ALE, and in place of our own client: source this file.

let s:command = get(g:, 'codriver_cmd', ['codriver', 'lsp', '--stdio'])
let s:types = ['python', 'rust', 'go', 'typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'c', 'cpp', 'java', 'lua', 'sh', 'ruby', 'php']

function! s:Root(buffer) abort
  let l:git = finddir('.git', expand('#' . a:buffer . ':p:h') . ';')
  return empty(l:git) ? expand('#' . a:buffer . ':p:h') : fnamemodify(l:git, ':p:h:h')
endfunction

for s:type in get(g:, 'codriver_filetypes', s:types)
  call ale#linter#Define(s:type, {
  \ 'name': 'codriver',
  \ 'lsp': 'stdio',
  \ 'executable': s:command[0],
  \ 'command': '%e ' . join(map(s:command[1:], 'shellescape(v:val)')),
  \ 'project_root': function('s:Root'),
  \})
endfor
