// The findings of a review as comment threads at their lines: why, a fix where there is one, and a word back.
import * as vscode from "vscode";

const FIX = /^Fix\b/;

export class Threads implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController("codriver", "Codriver review");
  private readonly threads = new Map<string, vscode.CommentThread[]>();
  private readonly decisions = new Map<string, string>();

  /** Shows these findings of a document in place of its earlier ones. */
  show(uri: vscode.Uri, found: readonly vscode.Diagnostic[]): void {
    this.drop(uri);
    if (!vscode.workspace.getConfiguration("codriver").get("comments", true)) {
      return;
    }
    const made = found.map((finding) => this.made(uri, finding));
    this.threads.set(uri.toString(), made);
    made.forEach((thread) => void mark(thread));
  }

  /** Remembers whose review a document's findings are of. */
  reviewed(uri: vscode.Uri, decision: string | undefined): void {
    if (decision !== undefined) {
      this.decisions.set(uri.toString(), decision);
    }
  }

  /** The decision behind a thread's review. */
  decision(thread: vscode.CommentThread): string | undefined {
    return this.decisions.get(thread.uri.toString());
  }

  /** Takes one away; what the editor lists as a problem stays. */
  dismiss(thread: vscode.CommentThread): void {
    const key = thread.uri.toString();
    this.threads.set(key, (this.threads.get(key) ?? []).filter((one) => one !== thread));
    thread.dispose();
  }

  /** Applies the finding's own fix, if its lines still stand as they were. */
  async fix(thread: vscode.CommentThread): Promise<void> {
    const action = await offered(thread);
    if (!action?.edit) {
      void vscode.window.showInformationMessage("Codriver: these lines have changed since the review; there is no fix for them now.");
      return;
    }
    if (await vscode.workspace.applyEdit(action.edit)) {
      this.dismiss(thread);
    }
  }

  dispose(): void {
    this.controller.dispose();
  }

  private drop(uri: vscode.Uri): void {
    this.threads.get(uri.toString())?.forEach((thread) => thread.dispose());
    this.threads.delete(uri.toString());
  }

  private made(uri: vscode.Uri, finding: vscode.Diagnostic): vscode.CommentThread {
    const [message = "", ...why] = finding.message.split("\n");
    const body = new vscode.MarkdownString(`**${escaped(message)}**\n\n${escaped(why.join("\n"))}`);
    const code = finding.code instanceof Object ? finding.code.value : finding.code;
    const author = { name: code === undefined ? "Codriver" : `Codriver, ${code}` };
    const label = vscode.DiagnosticSeverity[finding.severity].toLowerCase();
    const thread = this.controller.createCommentThread(uri, finding.range, [
      { body, author, label, mode: vscode.CommentMode.Preview, contextValue: "finding" },
    ]);
    thread.canReply = false;
    thread.label = message;
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Collapsed;
    return thread;
  }
}

/** Says on a thread whether there is a fix, so that its button shows only then. */
async function mark(thread: vscode.CommentThread): Promise<void> {
  thread.contextValue = (await offered(thread)) ? "fixable" : "finding";
}

/** The server's quick fix for a thread's finding. */
async function offered(thread: vscode.CommentThread): Promise<vscode.CodeAction | undefined> {
  const where = thread.range ?? new vscode.Range(0, 0, 0, 0); // a finding is always somewhere
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
    "vscode.executeCodeActionProvider",
    thread.uri,
    where,
    vscode.CodeActionKind.QuickFix.value,
  );
  const fixes = actions.filter((action) => FIX.test(action.title) && action.edit !== undefined);
  return fixes.find((action) => thread.label !== undefined && action.title.includes(thread.label)) ?? fixes[0];
}

function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-!<>|]/g, "\\$&");
}
