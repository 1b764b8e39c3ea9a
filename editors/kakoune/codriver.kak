hook -group codriver global BufSetOption filetype=(?:python|rust|go|typescript|javascript|c|cpp|java|lua|sh) %{
    set-option -add buffer lsp_servers %{
[codriver]
root_globs = [".git", ".hg"]
command = "codriver"
args = ["lsp", "--stdio"]
    }
}
