// Read-only documents that are made here: explanations, reports, and the texts a refactor proposes.
import * as vscode from "vscode";

export const SCHEME = "codriver";
const KEPT = 20;

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly news = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.news.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  /** The address of a text; the path's ending says its language. */
  put(path: string, text: string): vscode.Uri {
    this.texts.delete(path);
    this.texts.set(path, text);
    for (const old of [...this.texts.keys()].slice(0, -KEPT)) {
      this.texts.delete(old);
    }
    const uri = vscode.Uri.from({ scheme: SCHEME, path });
    this.news.fire(uri);
    return uri;
  }

  /** Shows a text as a document. */
  async open(path: string, text: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(this.put(path, text));
    await vscode.window.showTextDocument(document, { preview: true });
  }

  /** Shows Markdown as it reads, beside the code. */
  async read(path: string, markdown: string): Promise<void> {
    await vscode.commands.executeCommand("markdown.showPreviewToSide", this.put(path, markdown));
  }

  dispose(): void {
    this.registration.dispose();
    this.news.dispose();
  }
}
