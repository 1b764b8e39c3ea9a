// The connection to the server: found, started, restarted, ended; and what hangs on it.
import * as vscode from "vscode";
import { type ExecuteCommandSignature, LanguageClient, State, TransportKind } from "vscode-languageclient/node";
import { ask, instruction } from "./commands";
import { Explanation } from "./explanation";
import { InlineCapability } from "./inline";
import { find, type Server } from "./server";
import { type ServerStatus, StatusBar } from "./status";

/** Texts people write: files wherever they lie, unsaved ones, notebook cells. Not logs, diffs or inputs. */
export const SELECTOR = ["file", "untitled", "vscode-remote", "vscode-vfs", "vscode-userdata", "vscode-notebook-cell"].map(
  (scheme) => ({ scheme }),
);

export class Connection implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel("Codriver");
  readonly status = new StatusBar(() => this.lastRequest());
  readonly explanation = new Explanation(() => this.client);
  client: LanguageClient | undefined;
  // Starts and stops come one after the other, however fast settings change.
  private turn: Promise<void> = Promise.resolve();

  /** Ends what runs and starts what the settings say. Resolves when the server has answered, or cannot. */
  restart(): Promise<void> {
    this.turn = this.turn.then(() => this.stop()).then(() => this.start());
    return this.turn;
  }

  /** Ends the server, after what is under way. */
  end(): Promise<void> {
    this.turn = this.turn.then(() => this.stop());
    return this.turn;
  }

  dispose(): void {
    this.status.dispose();
    this.explanation.dispose();
    this.log.dispose();
  }

  private async start(): Promise<void> {
    if (!vscode.workspace.getConfiguration("codriver").get("enable", true)) {
      this.status.say("Codriver off", "Switched off by the setting codriver.enable");
      return;
    }
    this.status.say("Codriver...", "Starting the server");
    const server = await find();
    if (typeof server === "string") {
      this.missing(server);
      return;
    }
    this.log.appendLine(`Server: ${[server.command, ...server.args].join(" ")} (from ${server.where})`);
    this.client = this.made(server);
    try {
      await this.client.start();
      await vscode.commands.executeCommand("setContext", "codriver.running", true);
      await this.status.update();
    } catch (problem) {
      this.missing(`Codriver's server did not start: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
  }

  private made(server: Server): LanguageClient {
    const log = this.log;
    const client = new LanguageClient(
      "codriver",
      "Codriver",
      // Not in the workspace: nothing there may be run or imported by starting.
      { command: server.command, args: [...server.args], transport: TransportKind.stdio, options: { cwd: __dirname } },
      {
        documentSelector: SELECTOR,
        outputChannel: log,
        diagnosticCollectionName: "codriver",
        connectionOptions: { maxRestartCount: 4 },
        initializationOptions: { editor: "vscode" },
        initializationFailedHandler: () => false, // start() fails then, and we say why, once
        middleware: { executeCommand: (command, args, next) => this.run(command, args, next) },
      },
    );
    client.registerFeature(new InlineCapability());
    client.onDidChangeState(({ newState }) => {
      void vscode.commands.executeCommand("setContext", "codriver.running", newState === State.Running);
      if (newState === State.Stopped && client === this.client) {
        this.status.say("Codriver stopped", "The server has ended; the log says why", true);
      } else if (newState === State.Running) {
        this.status.soon();
      }
    });
    return client;
  }

  /** Server commands that come from code actions, lenses and accepted suggestions. */
  private async run(command: string, args: unknown[], _next: ExecuteCommandSignature): Promise<unknown> {
    if (command === "codriver.explainLast") {
      return this.explanation.open();
    }
    const first = args[0];
    if (command === "codriver.refactor" && first instanceof Object && !("instruction" in first)) {
      const wish = await instruction();
      return wish === undefined ? undefined : ask(this.client, command, { ...first, instruction: wish });
    }
    const result = await ask(this.client, command, ...args);
    this.status.soon();
    return result;
  }

  private async lastRequest(): Promise<ServerStatus | undefined> {
    if (this.client?.state !== State.Running) {
      return undefined;
    }
    try {
      return await this.client.sendRequest<ServerStatus>("workspace/executeCommand", { command: "codriver.status", arguments: [] });
    } catch {
      return undefined; // the next answer will ask again
    }
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client && client.state !== State.Stopped) {
      // A server that hangs must not keep the editor from closing.
      await client.stop(2_000).catch((problem) => this.log.appendLine(`Stopping: ${String(problem)}`));
    }
    await client?.dispose().catch(() => undefined);
  }

  private missing(why: string): void {
    this.log.appendLine(why);
    this.status.say("Codriver", why, true);
    const brief = why.length > 300 ? `${why.slice(0, 300)}... (the rest is in the log)` : why;
    void vscode.window.showErrorMessage(brief, "Set path", "Retry", "Show log").then((choice) => {
      if (choice === "Set path") {
        void vscode.commands.executeCommand("workbench.action.openSettings", "codriver.serverPath");
      } else if (choice === "Retry") {
        void this.restart();
      } else if (choice === "Show log") {
        this.log.show();
      }
    });
  }
}
