// The last decision as a read-only document.
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { ask } from "./commands";

const ADDRESS = vscode.Uri.parse("codriver-decision:/last decision.json");

export class Explanation implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private text = "";
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(ADDRESS.scheme, this);

  constructor(private readonly client: () => LanguageClient | undefined) {}

  provideTextDocumentContent(): string {
    return this.text;
  }

  async open(): Promise<void> {
    const found = await ask<object | null>(this.client(), "codriver.explainLast");
    if (found === undefined) {
      return;
    }
    if (found === null) {
      void vscode.window.showInformationMessage("Codriver has decided nothing yet.");
      return;
    }
    this.text = `${JSON.stringify(found, null, 2)}\n`;
    this.changed.fire(ADDRESS);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(ADDRESS), { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
