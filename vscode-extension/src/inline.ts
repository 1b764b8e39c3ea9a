// Ghost text: the editor's question as textDocument/inlineCompletion, the answer as its items.
//
// A provider of our own, not the language client's: client 9 has one only among its proposed features,
// which are not registered here, so nothing is asked twice. This one works the same on every editor
// since 1.82, can count what it was asked, and may later stand back for another extension.
import * as vscode from "vscode";
import {
  type ClientCapabilities,
  type FeatureState,
  type LanguageClient,
  LSPErrorCodes,
  type Range,
  ResponseError,
  State,
  type StaticFeature,
} from "vscode-languageclient/node";

interface Item {
  readonly insertText: string | { readonly value: string };
  readonly filterText?: string;
  readonly range?: Range;
  readonly command?: { readonly title: string; readonly command: string; readonly arguments?: unknown[] };
}

// The protocol's InlineCompletionTriggerKind; the editor's own counts from 0.
const INVOKED = 1;
const AUTOMATIC = 2;

const QUIET: readonly number[] = [
  LSPErrorCodes.RequestCancelled,
  LSPErrorCodes.ServerCancelled,
  LSPErrorCodes.ContentModified,
];

/** Tells the server that inline completions are understood; without it they would come as menu entries. */
export class InlineCapability implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const text: { inlineCompletion?: object } = (capabilities.textDocument ??= {});
    text.inlineCompletion = { dynamicRegistration: false };
  }
  initialize(): void {}
  getState(): FeatureState {
    return { kind: "static" };
  }
  clear(): void {}
}

/** Suggestions by the client that runs now; none while none runs. */
export class Suggestions implements vscode.InlineCompletionItemProvider {
  constructor(
    private readonly client: () => LanguageClient | undefined,
    private readonly answered: () => void,
  ) {}

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const client = this.client();
    if (client?.state !== State.Running) {
      return [];
    }
    try {
      const params = question(client, document, position, context);
      const reply = await client.sendRequest<Item[] | { items: Item[] } | null>(
        "textDocument/inlineCompletion",
        params,
        token,
      );
      const items = reply === null ? [] : Array.isArray(reply) ? reply : reply.items;
      if (items.length > 0) {
        this.answered();
      }
      return token.isCancellationRequested ? [] : items.map((item) => shown(client, item));
    } catch (problem) {
      if (!(problem instanceof ResponseError && QUIET.includes(problem.code)) && !token.isCancellationRequested) {
        client.outputChannel.appendLine(`Inline completion: ${String(problem)}`);
      }
      return [];
    }
  }
}

function question(
  client: LanguageClient,
  document: vscode.TextDocument,
  position: vscode.Position,
  context: vscode.InlineCompletionContext,
): object {
  const to = client.code2ProtocolConverter;
  const chosen = context.selectedCompletionInfo;
  return {
    textDocument: to.asTextDocumentIdentifier(document),
    position: to.asPosition(position),
    context: {
      triggerKind: context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke ? INVOKED : AUTOMATIC,
      ...(chosen && { selectedCompletionInfo: { range: to.asRange(chosen.range), text: chosen.text } }),
    },
  };
}

function shown(client: LanguageClient, item: Item): vscode.InlineCompletionItem {
  const from = client.protocol2CodeConverter;
  const text = typeof item.insertText === "string" ? item.insertText : new vscode.SnippetString(item.insertText.value);
  const made = new vscode.InlineCompletionItem(text);
  if (item.range) {
    made.range = from.asRange(item.range);
  }
  if (item.filterText !== undefined) {
    made.filterText = item.filterText;
  }
  if (item.command) {
    made.command = from.asCommand(item.command);
  }
  return made;
}
