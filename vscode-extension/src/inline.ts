// Ghost text: the editor's question as textDocument/inlineCompletion, the answer as its items, and what became of it.
//
// A provider of our own, not the language client's: client 9 has one only among its proposed features,
// which are not registered here, so nothing is asked twice. This one works the same on every editor
// since 1.82, sees what is taken of a suggestion, and stands back for another extension.
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

/** What is shown: `start` is where its text begins in the document, `typed` how much of it stands there already. */
interface Shown {
  readonly uri: string;
  readonly start: number;
  readonly text: string;
  readonly decision: string;
  typed: number;
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

/** What the suggestions hang on. */
export interface Backing {
  client(): LanguageClient | undefined;
  /** Whether nothing shall be suggested while typing. */
  silent(document: vscode.TextDocument): boolean;
  /** Something was answered. */
  answered(): void;
}

/** Suggestions by the client that runs now; none while none runs. */
export class Suggestions implements vscode.InlineCompletionItemProvider {
  private shown: Shown | undefined;

  constructor(private readonly backing: Backing) {}

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const client = this.backing.client();
    const typing = context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic;
    if (client?.state !== State.Running || (typing && this.backing.silent(document))) {
      return [];
    }
    try {
      const params = question(client, document, position, context);
      const reply = await client.sendRequest<Item[] | { items: Item[] } | null>("textDocument/inlineCompletion", params, token);
      if (token.isCancellationRequested) {
        return [];
      }
      const items = reply === null ? [] : Array.isArray(reply) ? reply : reply.items;
      this.note(document, position, items[0]);
      return items.map((item) => shown(client, item));
    } catch (problem) {
      if (!(problem instanceof ResponseError && QUIET.includes(problem.code)) && !token.isCancellationRequested) {
        client.outputChannel.appendLine(`Inline completion: ${String(problem)}`);
      }
      return [];
    }
  }

  /** A document changed: was it a part of what is shown, taken at once? Single letters are typed, not taken. */
  changed(event: vscode.TextDocumentChangeEvent): void {
    const held = this.shown;
    const change = event.contentChanges[0];
    if (!held || !change || held.uri !== event.document.uri.toString()) {
      return;
    }
    const rest = held.text.slice(held.typed);
    const goesOn = event.contentChanges.length === 1 && change.rangeLength === 0 && change.rangeOffset === held.start + held.typed;
    if (!goesOn || !rest.startsWith(change.text) || change.text.length === rest.length) {
      this.forget();
      return;
    }
    held.typed += change.text.length;
    if (change.text.length > 1) {
      this.tell("codriver.partlyAccepted", held.decision);
    }
  }

  /** The person does not want it: hides it, and the server does not offer it there again. */
  async dismiss(): Promise<void> {
    // Told first: the next letter may ask again at once.
    if (this.shown) {
      this.tell("codriver.rejected", this.shown.decision);
      this.forget();
    }
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  }

  private note(document: vscode.TextDocument, position: vscode.Position, item: Item | undefined): void {
    const decision = item?.command?.arguments?.[0];
    if (item === undefined || typeof item.insertText !== "string" || typeof decision !== "string") {
      this.forget();
      return;
    }
    const at = document.offsetAt(position);
    const start = item.range ? document.offsetAt(new vscode.Position(item.range.start.line, item.range.start.character)) : at;
    this.shown = { uri: document.uri.toString(), start, text: item.insertText, decision, typed: at - start };
    this.backing.answered();
    void vscode.commands.executeCommand("setContext", "codriver.shown", true);
  }

  private forget(): void {
    if (this.shown) {
      this.shown = undefined;
      void vscode.commands.executeCommand("setContext", "codriver.shown", false);
    }
  }

  private tell(command: string, decision: string): void {
    const client = this.backing.client();
    if (client?.state === State.Running) {
      // What became of a suggestion is never worth a message to the person.
      client.sendRequest("workspace/executeCommand", { command, arguments: [decision] }).catch(() => undefined);
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
