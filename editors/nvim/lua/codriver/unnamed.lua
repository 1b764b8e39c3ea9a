--- What the server says about an unnamed buffer.
---
--- Its address is `file://`, and Neovim would take that for a new buffer: edits and findings would
--- go nowhere. The client of such a buffer has only this one, so its messages are meant for it.

local position = require('codriver.position')

local M = {}

local ADDRESS = 'file://'

local function byte_at(buf, place, encoding)
  local line = vim.api.nvim_buf_get_lines(buf, place.line, place.line + 1, false)[1] or ''
  return position.to_bytes(line, place.character, encoding)
end

--- The text edits of a workspace edit that concern the buffer, and the version they were made for.
local function meant(edit)
  for _, change in ipairs(edit.documentChanges or {}) do
    if change.textDocument and change.textDocument.uri == ADDRESS then
      return change.edits, change.textDocument.version
    end
  end
  return (edit.changes or {})[ADDRESS]
end

--- The handlers of a client that serves one unnamed buffer.
---@param buf integer
---@return table<string, function>
function M.handlers(buf)
  local findings = vim.api.nvim_create_namespace('codriver.unnamed')

  local function apply(_, params, context)
    local edits, version = meant(params.edit)
    local client = vim.lsp.get_client_by_id(context.client_id)
    local known = vim.lsp.util.buf_versions and vim.lsp.util.buf_versions[buf]
    if not edits or not vim.api.nvim_buf_is_loaded(buf) then
      return { applied = false, failureReason = 'the buffer is not there any more' }
    end
    if type(version) == 'number' and known and version < known then
      return { applied = false, failureReason = 'the buffer changed meanwhile' }
    end
    vim.lsp.util.apply_text_edits(edits, buf, client.offset_encoding)
    return { applied = true }
  end

  local function publish(_, params, context)
    local client = vim.lsp.get_client_by_id(context.client_id)
    if params.uri ~= ADDRESS or not client or not vim.api.nvim_buf_is_loaded(buf) then
      return
    end
    local encoding = client.offset_encoding
    vim.diagnostic.set(
      findings,
      buf,
      vim.tbl_map(function(found)
        local first, last = found.range.start, found.range['end']
        return {
          lnum = first.line,
          col = byte_at(buf, first, encoding),
          end_lnum = last.line,
          end_col = byte_at(buf, last, encoding),
          severity = found.severity,
          source = found.source,
          message = found.message,
          code = found.code,
        }
      end, params.diagnostics)
    )
  end

  return { ['workspace/applyEdit'] = apply, ['textDocument/publishDiagnostics'] = publish }
end

return M
