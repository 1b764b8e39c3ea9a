// What would change, as a difference beside the code; applied, undone in one step, or dropped as the person says.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { type Pages, SCHEME } from "./pages";

type Protocol = Parameters<LanguageClient["protocol2CodeConverter"]["asWorkspaceEdit"]>[0];

/** What became of a proposal. */
export type Fate = "applied" | "dropped" | "stale";

interface Open {
  readonly uri: vscode.Uri;
  readonly decide: (apply: boolean) => void;
}

export class Preview implements vscode.Disposable {
  private open: Open | undefined;
  private readonly watching: vscode.Disposable;
  private number = 0;

  constructor(private readonly pages: Pages) {
    this.watching = vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
      if (closed.some((tab) => this.open && shows(tab, this.open.uri))) {
        this.decide(false);
      }
    });
  }

  /** Shows an edit of the server's and does what the person decides. `title` says what it is and by whom. */
  async propose(client: LanguageClient, edit: Protocol, title: string): Promise<Fate> {
    const made = await client.protocol2CodeConverter.asWorkspaceEdit(edit);
    if (made === undefined) {
      return "dropped";
    }
    const [first, ...more] = made.entries();
    const how = vscode.workspace.getConfiguration("codriver").get<string>("preview", "diff");
    if (first === undefined || more.length > 0 || how === "panel" || !known(first[0])) {
      // New files, several files: the editor's own panel, which asks because the server's edits say so.
      return (await vscode.workspace.applyEdit(made, { isRefactoring: true })) ? "applied" : "dropped";
    }
    const document = await vscode.workspace.openTextDocument(first[0]);
    const version = document.version;
    if (how === "diff" && !(await this.shown(document, first[1], title))) {
      return "dropped";
    }
    if (document.version !== version) {
      return "stale";
    }
    const plain = new vscode.WorkspaceEdit();
    plain.set(document.uri, first[1].map((one) => new vscode.TextEdit(one.range, one.newText)));
    await vscode.window.showTextDocument(document);
    return (await vscode.workspace.applyEdit(plain, { isRefactoring: true })) ? "applied" : "stale";
  }

  /** Shows a file that would be made, and makes it if the person says so; it stays unsaved until he saves it. */
  async create(uri: vscode.Uri, text: string, title: string): Promise<Fate> {
    this.number += 1;
    const page = this.pages.put(`/proposal ${this.number}/${uri.path.split("/").pop() ?? "new"}`, text);
    const apply = await this.asked(page, title, async () => {
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(page), { preview: true });
    });
    if (!apply) {
      return "dropped";
    }
    const made = new vscode.WorkspaceEdit();
    made.createFile(uri, { overwrite: false, ignoreIfExists: false });
    made.insert(uri, new vscode.Position(0, 0), text);
    if (!(await vscode.workspace.applyEdit(made))) {
      return "stale";
    }
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
    return "applied";
  }

  /** The person's word on what is shown. */
  decide(apply: boolean): void {
    const held = this.open;
    this.open = undefined;
    void vscode.commands.executeCommand("setContext", "codriver.proposal", false);
    held?.decide(apply);
  }

  dispose(): void {
    this.decide(false);
    this.watching.dispose();
  }

  private async shown(document: vscode.TextDocument, edits: readonly vscode.TextEdit[], title: string): Promise<boolean> {
    const name = document.uri.path.split("/").pop() ?? "text";
    this.number += 1;
    const uri = this.pages.put(`/proposal ${this.number}/${name}`, after(document, edits));
    const proposal = await vscode.workspace.openTextDocument(uri);
    if (proposal.languageId !== document.languageId) {
      await vscode.languages.setTextDocumentLanguage(proposal, document.languageId);
    }
    return this.asked(uri, title, () => vscode.commands.executeCommand("vscode.diff", document.uri, uri, title, { preview: true }));
  }

  /** Shows a page and waits for the person's word: by its buttons, by the notice, or by closing it. */
  private async asked(uri: vscode.Uri, title: string, show: () => Thenable<unknown>): Promise<boolean> {
    this.decide(false);
    const answer = new Promise<boolean>((resolve) => (this.open = { uri, decide: resolve }));
    await vscode.commands.executeCommand("setContext", "codriver.proposal", true);
    await show();
    // A notice that goes when the person has decided; its own button discards.
    const how = "Apply or discard it by the buttons above it; Ctrl+Enter applies.";
    const notice = { location: vscode.ProgressLocation.Notification, title: `${title}. ${how}`, cancellable: true };
    void vscode.window.withProgress(notice, (_progress, token) => {
      token.onCancellationRequested(() => this.open?.uri === uri && this.decide(false));
      return answer;
    });
    const apply = await answer;
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => shows(tab, uri));
    await vscode.window.tabGroups.close(tabs, true);
    return apply;
  }
}

/** A text with edits made; they do not overlap. */
export function after(document: vscode.TextDocument, edits: readonly vscode.TextEdit[]): string {
  const last = [...edits].sort((one, other) => other.range.start.compareTo(one.range.start));
  let text = document.getText();
  for (const edit of last) {
    text = text.slice(0, document.offsetAt(edit.range.start)) + edit.newText + text.slice(document.offsetAt(edit.range.end));
  }
  return text;
}

function known(uri: vscode.Uri): boolean {
  return vscode.workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
}

function shows(tab: vscode.Tab, uri: vscode.Uri): boolean {
  const input = tab.input;
  const page = input instanceof vscode.TabInputTextDiff ? input.modified : input instanceof vscode.TabInputText ? input.uri : undefined;
  return uri.scheme === SCHEME && page?.toString() === uri.toString();
}
