// What a person can ask for. Each command is one workspace/executeCommand of the server.
//
// The editor's command ids differ from the server's: the language client registers those itself,
// for code actions, lenses and accepted suggestions.
import * as vscode from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";
import type { Connection } from "./connection";

const SHOWN_MS = 8_000;
const USUAL = "improve readability without changing behaviour";

/** What the server says of something it had done. */
interface Done {
  readonly model?: string;
  readonly simulated?: boolean;
}

/** Who did it, so that nobody takes a simulated answer for a model's. */
function author(done: Done): string {
  return `${done.model ?? "?"}${done.simulated ? " (simulated)" : ""}`;
}

/** Runs a server's command; a refusal is shown in the server's words. */
export async function ask<T>(client: LanguageClient | undefined, command: string, ...args: unknown[]): Promise<T | undefined> {
  if (client?.state !== State.Running) {
    void vscode.window.showWarningMessage("Codriver's server is not running.");
    return undefined;
  }
  try {
    return await client.sendRequest<T>("workspace/executeCommand", { command, arguments: args });
  } catch (problem) {
    const words = problem instanceof Error ? problem.message : String(problem);
    void vscode.window.showErrorMessage(`Codriver: ${words}`);
    return undefined;
  }
}

/** The instruction of a refactor, or undefined when the person thought better of it. */
export async function instruction(): Promise<string | undefined> {
  const typed = await vscode.window.showInputBox({ title: "Codriver: refactor", prompt: "What should change?", placeHolder: USUAL });
  return typed === undefined ? undefined : typed.trim() || USUAL;
}

async function refactorSelection(connection: Connection): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = connection.client;
  if (!editor || !client) {
    return;
  }
  // Taken before the question: it takes the focus, and the range is what was seen when asking.
  const place = where(client, editor.document, editor.selection);
  const wish = await instruction();
  if (wish === undefined) {
    return;
  }
  const done = await ask<Done & { summary?: string }>(client, "codriver.refactor", { ...place, instruction: wish });
  if (done) {
    vscode.window.setStatusBarMessage(`Codriver: ${done.summary?.replace(/\.$/, "") || "refactored"}, by ${author(done)}`, SHOWN_MS);
  }
  connection.status.soon();
}

async function reviewCode(connection: Connection): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = connection.client;
  if (!editor || !client) {
    return;
  }
  const { uri, range } = where(client, editor.document, editor.selection);
  const done = await ask<Done & { findings?: number }>(
    client,
    "codriver.review",
    editor.selection.isEmpty ? { uri } : { uri, range },
  );
  if (done) {
    const found = done.findings === 1 ? "1 finding" : `${done.findings ?? 0} findings`;
    vscode.window.setStatusBarMessage(`Codriver: ${found}, by ${author(done)}`, SHOWN_MS);
  }
  connection.status.soon();
}

async function clearFindings(connection: Connection): Promise<void> {
  await ask(connection.client, "codriver.clearReview");
}

const MENU: readonly (readonly [label: string, command: string])[] = [
  ["$(wand) Refactor...", "codriver.refactorSelection"],
  ["$(checklist) Review", "codriver.reviewCode"],
  ["$(clear-all) Clear review", "codriver.clearFindings"],
  ["$(question) Explain last decision", "codriver.explainLastDecision"],
  ["$(refresh) Restart server", "codriver.restartServer"],
  ["$(output) Show log", "codriver.showLog"],
  ["$(gear) Settings", "workbench.action.openSettings"],
];

async function menu(): Promise<void> {
  const items = MENU.map(([label, command]) => ({ label, command }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Codriver" });
  if (chosen) {
    await vscode.commands.executeCommand(chosen.command, ...(chosen.command.startsWith("workbench") ? ["codriver"] : []));
  }
}

function where(client: LanguageClient, document: vscode.TextDocument, selection: vscode.Selection) {
  const to = client.code2ProtocolConverter;
  return { uri: to.asUri(document.uri), range: to.asRange(selection) };
}

/** Every command package.json contributes, by its id. */
export const COMMANDS: Readonly<Record<string, (connection: Connection) => unknown>> = {
  "codriver.refactorSelection": refactorSelection,
  "codriver.reviewCode": reviewCode,
  "codriver.clearFindings": clearFindings,
  "codriver.explainLastDecision": (connection) => connection.explanation.open(),
  "codriver.restartServer": (connection) => connection.restart(),
  "codriver.showLog": (connection) => connection.log.show(),
  "codriver.menu": menu,
};
