// The extension's beginning and end: what there is, and how it hangs together.
import * as vscode from "vscode";
import { offer } from "./chat";
import { COMMANDS, type Whole } from "./commands";
import { Connection, SELECTOR } from "./connection";
import { Dashboard } from "./dashboard";
import { Suggestions } from "./inline";
import { PrivateEnvironment } from "./install";
import { Keys } from "./keys";
import { Log } from "./log";
import { Others } from "./others";
import { Pages } from "./pages";
import { Preview } from "./preview";
import { ServerSettings } from "./settings";
import { type ServerStatus, StatusBar } from "./status";
import * as tasks from "./tasks";
import { Threads } from "./threads";

const RESTARTING = ["codriver.enable", "codriver.serverPath", "codriver.serverArgs"];
/** Server commands that lenses and code actions call, and that are more here than the server's answer. */
const SHOWN: Readonly<Record<string, (whole: Whole, place: tasks.Place) => unknown>> = {
  "codriver.refactor": (whole, place) => tasks.refactor(whole, place),
  "codriver.document": (whole, place) => tasks.documented(whole, place),
  "codriver.fix": (whole, place) => tasks.change(whole, "fix", "codriver.fix", place),
  "codriver.tests": (whole, place) => tasks.tests(whole, place),
  "codriver.review": (whole, place) => tasks.reviewed(whole, place),
  "codriver.explain": (whole, place) => tasks.explain(whole, place),
  "codriver.suggestNames": (whole, place) => tasks.names(whole, place),
  "codriver.explainLast": () => vscode.commands.executeCommand("codriver.explainLastDecision"),
};

let connection: Connection | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = new Log("Codriver");
  const status = new StatusBar();
  const home = new PrivateEnvironment(context, log);
  const keys = new Keys(context, log);
  const made = (connection = new Connection(log, status, home, keys));
  const others = new Others(context.globalState);
  const pages = new Pages();
  const suggestions = new Suggestions({
    client: () => made.client,
    silent: (document) => status.paused || others.silent(document),
    answered: () => status.soon(),
  });
  const whole: Whole = {
    connection: made,
    keys,
    pages,
    suggestions,
    preview: new Preview(pages),
    threads: new Threads(),
    dashboard: new Dashboard(made),
  };
  const settings = new ServerSettings(context, made);
  status.ask = () => quietly(made);
  made.around = {
    command: (command, args, next) => routed(whole, command, args, next),
    findings: (uri, found) => whole.threads.show(uri, found),
  };
  context.subscriptions.push(
    log,
    status,
    made,
    pages,
    whole.preview,
    whole.threads,
    whole.dashboard,
    settings,
    others.changed.event((other) => status.beside(other)),
    vscode.languages.registerInlineCompletionItemProvider(SELECTOR, suggestions),
    vscode.workspace.onDidChangeTextDocument((event) => suggestions.changed(event)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (RESTARTING.some((setting) => event.affectsConfiguration(setting))) {
        void made.again();
      } else if (event.affectsConfiguration("codriver")) {
        settings.soon();
      }
    }),
    ...Object.entries(COMMANDS).map(([id, command]) => vscode.commands.registerCommand(id, (argument: unknown) => command(whole, argument))),
  );
  const chat = offer(made);
  if (chat) {
    context.subscriptions.push(chat);
  }
  // Not awaited: activation is over at once, the editor does not wait for a process.
  void made.restart().then(() => settings.soon());
}

export async function deactivate(): Promise<void> {
  await connection?.end();
}

/** Server commands that come from code actions, lenses and accepted suggestions. */
async function routed(whole: Whole, command: string, args: unknown[], next: (command: string, args: unknown[]) => unknown): Promise<unknown> {
  const shown = SHOWN[command];
  if (shown !== undefined) {
    return shown(whole, args[0] as tasks.Place);
  }
  const result = await next(command, args);
  whole.connection.status.soon();
  return result;
}

/** The server's status; nobody is told when it cannot be had. */
async function quietly(connection: Connection): Promise<ServerStatus | undefined> {
  if (!connection.running) {
    return undefined;
  }
  try {
    return await connection.client?.sendRequest<ServerStatus>("workspace/executeCommand", {
      command: "codriver.status",
      arguments: [{ sums: true }],
    });
  } catch {
    return undefined; // the next answer will ask again
  }
}
