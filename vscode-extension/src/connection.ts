// The connection to the server: found or installed, started, restarted with growing pauses, ended.
import * as vscode from "vscode";
import { CloseAction, ErrorAction, type ExecuteCommandSignature, LanguageClient, State, TransportKind } from "vscode-languageclient/node";
import { environment } from "./child";
import { InlineCapability } from "./inline";
import type { PrivateEnvironment } from "./install";
import type { Keys } from "./keys";
import { Log } from "./log";
import { find, type Server } from "./server";
import type { StatusBar } from "./status";

/** Texts people write: files wherever they lie, unsaved ones, notebook cells. Not logs, diffs or inputs. */
export const SELECTOR = ["file", "untitled", "vscode-remote", "vscode-vfs", "vscode-userdata", "vscode-notebook-cell"].map(
  (scheme) => ({ scheme }),
);

/** Pauses before the server is started again, after the first, second, ... crash within WINDOW_MS; then it rests. */
const PAUSES_MS = [0, 1_000, 3_000, 10_000];
const WINDOW_MS = 3 * 60_000;

/** What hangs on the connection, without it knowing them. */
export interface Around {
  /** Server commands that come from code actions and lenses. */
  command(command: string, args: unknown[], next: ExecuteCommandSignature): unknown;
  /** The findings of a review, as they are shown. */
  findings(uri: vscode.Uri, found: readonly vscode.Diagnostic[]): void;
}

/** What the client itself logs about a connection that broke: true, but not why it broke. */
const OURS = /^(Server: |The server has ended|\[(Error|Warn|Info)|\s*(Code|Message):|.*\b(EPIPE|ECONNRESET|connection (got|is) (disposed|closed))|Codriver client:|Error: |\s+at )/;

/** The language client, which leaves it to us to tell a person what went wrong. */
class Quiet extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export class Connection implements vscode.Disposable {
  client: LanguageClient | undefined;
  server: Server | undefined;
  around: Around | undefined;
  // Starts and stops come one after the other, however fast settings change.
  private turn: Promise<void> = Promise.resolve();
  private crashes: number[] = [];
  // A server that dies while it starts is heard of twice: by its start and by its end.
  private counted: LanguageClient | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly log: Log,
    readonly status: StatusBar,
    private readonly home: PrivateEnvironment,
    private readonly keys: Keys,
  ) {}

  get running(): boolean {
    return this.client?.state === State.Running;
  }

  /** Ends what runs and starts what the settings say. Resolves when the server has answered, or cannot. */
  restart(): Promise<void> {
    clearTimeout(this.timer);
    this.turn = this.turn.then(() => this.stop()).then(() => this.start());
    return this.turn;
  }

  /** As `restart`, at somebody's wish: what crashed before is forgiven. */
  again(): Promise<void> {
    this.crashes = [];
    this.log.fresh();
    return this.restart();
  }

  /** Installs the server, again if need be, and starts it. */
  async install(): Promise<void> {
    await this.end();
    await this.home.install();
    await this.again();
  }

  /** Ends the server, after what is under way. */
  end(): Promise<void> {
    clearTimeout(this.timer);
    this.turn = this.turn.then(() => this.stop());
    return this.turn;
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private async start(): Promise<void> {
    if (!vscode.workspace.getConfiguration("codriver").get("enable", true)) {
      this.status.say("Codriver off", "Switched off by the setting codriver.enable");
      return;
    }
    this.status.say("Codriver...", "Starting the server");
    const found = await find(await this.home.python());
    if ("why" in found) {
      void this.missing(found.why, found.install);
      return;
    }
    this.server = found;
    const more = vscode.workspace.getConfiguration("codriver").get<string[]>("serverArgs", []);
    const args = [...found.prefix, "lsp", ...more];
    this.log.appendLine(`Server: ${[found.program, ...args].join(" ")} (from ${found.where})`);
    const keys = await this.keys.all();
    const client = (this.client = this.made(found.program, args, keys));
    try {
      await client.start();
      this.status.soon();
    } catch (problem) {
      this.crashed(client, problem instanceof Error ? problem.message : String(problem));
    }
  }

  private made(command: string, args: string[], keys: Record<string, string>): LanguageClient {
    const client: LanguageClient = new Quiet(
      "codriver",
      "Codriver",
      // Not in the workspace: nothing there may be run or imported by starting.
      { command, args, transport: TransportKind.stdio, options: { cwd: __dirname, env: environment() } },
      {
        documentSelector: SELECTOR,
        outputChannel: this.log,
        diagnosticCollectionName: "codriver",
        // The forwarder says this again to every daemon it meets, so the keys outlive a crash of it.
        initializationOptions: { editor: "vscode", keys },
        initializationFailedHandler: () => false, // start() fails then, and we say why, once
        errorHandler: {
          error: () => ({ action: ErrorAction.Continue, handled: true }),
          closed: () => {
            this.crashed(client, "The server has ended.");
            return { action: CloseAction.DoNotRestart, handled: true };
          },
        },
        middleware: {
          executeCommand: (name, given, next) => this.around?.command(name, given, next),
          handleDiagnostics: (uri, found, next) => {
            next(uri, found);
            this.around?.findings(uri, found);
          },
        },
      },
    );
    client.registerFeature(new InlineCapability());
    client.onDidChangeState(({ newState }) => {
      void vscode.commands.executeCommand("setContext", "codriver.running", newState === State.Running);
    });
    return client;
  }

  /** A server has gone without being asked to, or did not come. */
  private crashed(client: LanguageClient, what: string): void {
    if (client !== this.client || client === this.counted) {
      return;
    }
    this.counted = client;
    const now = Date.now();
    const pause = PAUSES_MS[this.crashes.filter((at) => now - at < WINDOW_MS).length];
    this.crashes = [...this.crashes.filter((at) => now - at < WINDOW_MS), now];
    this.log.appendLine(what);
    if (pause === undefined) {
      void this.gaveUp(what);
      return;
    }
    this.status.say("Codriver...", `${what} Starting it again${pause ? ` in ${pause / 1_000} s` : ""}.`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.restart(), pause);
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client && client.state === State.Running) {
      // A server that hangs must not keep the editor from closing.
      await client.stop(2_000).catch((problem) => this.log.appendLine(`Stopping: ${String(problem)}`));
    }
    await client?.dispose().catch(() => undefined);
  }

  /** It does not stay up: says why, in its own last words. */
  private async gaveUp(what: string): Promise<void> {
    const lines = this.log.last(40).split("\n").filter((line) => !OURS.test(line));
    const words = ([...lines].reverse().find((line) => line.startsWith("codriver: ")) ?? lines.at(-1) ?? "").slice(0, 300);
    const why = `Codriver's server ended ${this.crashes.length} times in ${WINDOW_MS / 60_000} minutes. ${words || what}`;
    this.status.say("Codriver stopped", why, true);
    const choice = await vscode.window.showErrorMessage(why, "Restart", "Doctor", "Show log");
    if (choice === "Restart") {
      await this.again();
    } else if (choice === "Doctor") {
      await vscode.commands.executeCommand("codriver.doctor");
    } else if (choice === "Show log") {
      this.log.show();
    }
  }

  private async missing(why: string, install: boolean): Promise<void> {
    this.log.appendLine(why);
    this.status.say("Codriver", `${why} Click for the menu.`, true);
    if (install) {
      if (await this.home.offer()) {
        await this.again();
      }
      return;
    }
    const choice = await vscode.window.showErrorMessage(why, "Settings", "Retry", "Show log");
    if (choice === "Settings") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "codriver.serverPath");
    } else if (choice === "Retry") {
      await this.again();
    } else if (choice === "Show log") {
      this.log.show();
    }
  }
}
