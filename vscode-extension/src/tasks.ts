// What a person has done to code: review, refactor, document, fix, tests, explain, names, commit messages.
import * as vscode from "vscode";
import type { LanguageClient, Range } from "vscode-languageclient/node";
import { ask, author, type Done, perform, say } from "./asking";
import type { Connection } from "./connection";
import type { Pages } from "./pages";
import type { Fate, Preview } from "./preview";
import type { Threads } from "./threads";

const USUAL = "improve readability without changing behaviour";

/** What tasks need beside the server. */
export interface Desk {
  readonly connection: Connection;
  readonly pages: Pages;
  readonly preview: Preview;
  readonly threads: Threads;
}

/** A document and a range of it, in the protocol's form; more where a lens or code action says more. */
export interface Place {
  readonly uri: string;
  readonly range?: Range;
  readonly instruction?: string;
  readonly diagnostics?: readonly unknown[];
}

interface Changed extends Done {
  readonly summary?: string;
  readonly edit?: Parameters<Preview["propose"]>[1];
  readonly applied?: boolean;
  readonly merged?: boolean;
}

interface Made extends Changed {
  readonly uri?: string;
  readonly text?: string;
}

interface Names extends Done {
  readonly names?: readonly { readonly name: string; readonly why?: string }[];
}

/** The instruction of a refactor, or undefined when the person thought better of it. */
export async function instruction(): Promise<string | undefined> {
  const typed = await vscode.window.showInputBox({ title: "Codriver: refactor", prompt: "What should change?", placeHolder: USUAL });
  return typed === undefined ? undefined : typed.trim() || USUAL;
}

/** Refactors the selection, or the function at the cursor, as the person says. */
export async function refactor(desk: Desk, given?: Place): Promise<void> {
  // Taken before the question: it takes the focus, and the range is what was seen when asking.
  const place = given ?? here(desk);
  const wish = place && (place.instruction ?? (await instruction()));
  if (place && wish !== undefined) {
    await change(desk, "refactor", "codriver.refactor", { ...place, instruction: wish });
  }
}

export async function documented(desk: Desk, given?: Place): Promise<void> {
  const place = given ?? here(desk);
  if (place) {
    await change(desk, "document", "codriver.document", place);
  }
}

/** Fixes what is wrong at the cursor, by whoever found it. */
export async function fix(desk: Desk): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const place = here(desk);
  const client = desk.connection.client;
  if (!editor || !place || !client) {
    return;
  }
  const found = vscode.languages.getDiagnostics(editor.document.uri).filter((one) => one.range.intersection(editor.selection));
  if (found.length === 0) {
    void vscode.window.showInformationMessage("Codriver: there is no problem at the cursor.");
    return;
  }
  const diagnostics = await client.code2ProtocolConverter.asDiagnostics(found);
  await change(desk, "fix", "codriver.fix", { ...place, diagnostics });
}

/** Has the server make a change, shows it, and does with it what the person says. */
export async function change(desk: Desk, title: string, command: string, argument: Place): Promise<void> {
  const client = desk.connection.client;
  const done = await perform<Changed>(client, title, command, { ...argument, preview: true });
  desk.connection.status.soon();
  if (!done || !client) {
    return;
  }
  if (!done.edit) {
    say(done.applied ? `${done.summary ?? title}, by ${author(done)}` : `there is nothing to change, says ${author(done)}`);
    return;
  }
  const what = done.summary?.replace(/\.$/, "") || title;
  settled(client, done, what, await desk.preview.propose(client, done.edit, `Codriver: ${what}, by ${author(done)}`));
}

/** Writes tests into a new file, which is shown before it is made. */
export async function tests(desk: Desk, given?: Place): Promise<void> {
  const place = given ?? here(desk);
  const client = desk.connection.client;
  const done = place && (await perform<Made>(client, "tests", "codriver.tests", { ...place, preview: true }));
  desk.connection.status.soon();
  if (!done || !client || !done.uri || done.text === undefined) {
    return;
  }
  const uri = client.protocol2CodeConverter.asUri(done.uri);
  settled(client, done, "tests", await desk.preview.create(uri, done.text, `Codriver: tests, by ${author(done)}`));
}

/** Reviews the selection, or the whole file. */
export async function review(desk: Desk): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const place = here(desk);
  if (editor && place) {
    await reviewed(desk, editor.selection.isEmpty ? { uri: place.uri } : place);
  }
}

/** Reviews only what changed in the file since the last commit, or since it was staged. */
export async function reviewChanges(desk: Desk): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const place = here(desk);
  const items = [
    { label: "All changes since the last commit", diff: "head" },
    { label: "Staged changes", diff: "staged" },
    { label: "Changes that are not staged", diff: "unstaged" },
  ];
  const chosen = editor && (await vscode.window.showQuickPick(items, { title: "Codriver: review which changes of this file?" }));
  if (editor && place && chosen) {
    await reviewed(desk, { uri: place.uri, diff: chosen.diff });
  }
}

/** Reviews this, and says how many findings there are and whose. */
export async function reviewed(desk: Desk, place: Place & { readonly diff?: string }): Promise<void> {
  const client = desk.connection.client;
  const done = await perform<Done & { findings?: number }>(client, "review", "codriver.review", place);
  desk.connection.status.soon();
  if (done && client) {
    desk.threads.reviewed(client.protocol2CodeConverter.asUri(place.uri), done.decision);
    const found = done.findings === 1 ? "1 finding" : `${done.findings ?? 0} findings`;
    say(`${found}, by ${author(done)}`);
  }
}

/** Explains the selection, or the function at the cursor, in a page beside the code. */
export async function explain(desk: Desk, given?: Place): Promise<void> {
  const name = vscode.window.activeTextEditor?.document.uri.path.split("/").pop() ?? "code";
  const place = given ?? here(desk);
  const done = place && (await perform<Done & { text?: string }>(desk.connection.client, "explain", "codriver.explain", place));
  desk.connection.status.soon();
  if (done?.text) {
    await desk.pages.read(`/Explanation of ${name}.md`, `${done.text.trim()}\n\n---\n\n*${author(done)}*\n`);
  }
}

/** Better names for what stands at the cursor; the language's own extension renames it everywhere. */
export async function names(desk: Desk, given?: Place): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = desk.connection.client;
  const at = given?.range ? client?.protocol2CodeConverter.asRange(given.range).start : editor?.selection.active;
  const word = at && editor?.document.getWordRangeAtPosition(at);
  if (!editor || !word || !client) {
    return;
  }
  const { document } = editor;
  const place = { uri: client.code2ProtocolConverter.asUri(document.uri), range: client.code2ProtocolConverter.asRange(word) };
  const done = await perform<Names>(client, "names", "codriver.suggestNames", place);
  desk.connection.status.soon();
  const items = (done?.names ?? []).map(({ name, why }) => ({ label: name, detail: why ?? "" }));
  const chosen = done && (await vscode.window.showQuickPick(items, { title: `Codriver: names for ${document.getText(word)}, by ${author(done)}` }));
  if (chosen) {
    const edit = await vscode.commands
      .executeCommand<vscode.WorkspaceEdit>("vscode.executeDocumentRenameProvider", document.uri, word.start, chosen.label)
      .then((made) => made, () => undefined);
    if (!edit || !(await vscode.workspace.applyEdit(edit))) {
      void vscode.window.showWarningMessage(`No extension here can rename ${document.getText(word)} to ${chosen.label}.`);
    }
  }
}

interface Repository {
  readonly rootUri: vscode.Uri;
  readonly inputBox: { value: string };
  readonly ui: { readonly selected: boolean };
}

interface Git {
  getAPI(version: 1): { readonly repositories: readonly Repository[] };
}

/** Puts a message for what is staged (else for all changes) into the box of source control. */
export async function commitMessage(desk: Desk, control: unknown): Promise<void> {
  const git = await vscode.extensions.getExtension<Git>("vscode.git")?.activate();
  const repositories = git?.getAPI(1).repositories ?? [];
  const root = (control as { rootUri?: vscode.Uri } | undefined)?.rootUri?.toString();
  const repository = repositories.find((one) => one.rootUri.toString() === root) ?? repositories.find((one) => one.ui.selected) ?? repositories[0];
  const client = desk.connection.client;
  if (!repository || !client) {
    void vscode.window.showInformationMessage("Codriver: there is no git repository open.");
    return;
  }
  const argument = { uri: client.code2ProtocolConverter.asUri(repository.rootUri) };
  const done = await perform<Done & { text?: string }>(client, "commit message", "codriver.commitMessage", argument);
  desk.connection.status.soon();
  if (done?.text) {
    repository.inputBox.value = done.text.trim();
    say(`a message by ${author(done)}`);
  }
}

/** Tells the server and the person what became of a proposal. */
function settled(client: LanguageClient, done: Done, what: string, fate: Fate): void {
  if (done.decision && fate !== "stale") {
    void ask(client, "codriver.feedback", { decision: done.decision, word: fate === "applied" ? "accepted" : "rejected" });
  }
  if (fate === "stale") {
    void vscode.window.showWarningMessage("Codriver: the text changed while this was shown, so nothing was done to it. Please ask again.");
  } else {
    say(fate === "applied" ? `${what}, by ${author(done)}` : "nothing was changed");
  }
}

/** The document and what is selected in it; without a selection its cursor. */
function here(desk: Desk): Place | undefined {
  const editor = vscode.window.activeTextEditor;
  const to = desk.connection.client?.code2ProtocolConverter;
  if (!editor || !to) {
    void vscode.window.showInformationMessage(to ? "Codriver: open a file first." : "Codriver's server is not running.");
    return undefined;
  }
  return { uri: to.asUri(editor.document.uri), range: to.asRange(editor.selection) };
}
