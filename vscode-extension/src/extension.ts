// The extension's beginning and end; everything else hangs on the connection.
import * as vscode from "vscode";
import { COMMANDS } from "./commands";
import { Connection, SELECTOR } from "./connection";
import { Suggestions } from "./inline";

const RESTARTING = ["codriver.enable", "codriver.serverPath", "codriver.serverArgs"];

let connection: Connection | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const made = (connection = new Connection());
  const suggestions = new Suggestions(
    () => made.client,
    () => made.status.soon(),
  );
  context.subscriptions.push(
    made,
    vscode.languages.registerInlineCompletionItemProvider(SELECTOR, suggestions),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (RESTARTING.some((setting) => change.affectsConfiguration(setting))) {
        void made.restart();
      }
    }),
    ...Object.entries(COMMANDS).map(([id, command]) => vscode.commands.registerCommand(id, () => command(made))),
  );
  void made.restart(); // not awaited: activation is over at once, the editor does not wait for a process
}

export async function deactivate(): Promise<void> {
  await connection?.end();
}
