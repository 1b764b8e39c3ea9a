// The settings that are the server's: what is set in the editor is written into the server's own file.
//
// One daemon serves all editors and agents, so its file is the truth. Only what changed here since it was last written
// is written again: what the file says otherwise stays as somebody put it there.
import * as vscode from "vscode";
import { codriver } from "./cli";
import type { Connection } from "./connection";

const WRITTEN = "settings.written";
const REST_MS = 500;

type Values = Readonly<Record<string, unknown>>;

export class ServerSettings implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly connection: Connection,
  ) {}

  /** Writes what changed, shortly: a text field changes with every letter. */
  soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.turn = this.turn.then(() => this.write())), REST_MS);
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private async write(): Promise<void> {
    const before = this.context.globalState.get<Values>(WRITTEN, {});
    const now = set(this.context.extension.packageJSON);
    const { put, gone } = changes(before, now);
    if (this.connection.server === undefined || (put.length === 0 && gone.length === 0)) {
      return;
    }
    for (const args of [put.length > 0 && ["config", "set", ...put], gone.length > 0 && ["config", "unset", ...gone]]) {
      const done = args && (await codriver(this.connection.server, args));
      if (done && done.code !== 0) {
        const words = done.err.trim().replace(/^codriver: /, "");
        this.connection.log.appendLine(`Settings: ${words}`);
        void vscode.window.showErrorMessage(`Codriver's settings were not changed. ${words}`);
        return;
      }
    }
    await this.context.globalState.update(WRITTEN, now);
    this.connection.log.appendLine(`Settings written: ${[...put, ...gone.map((key) => `${key} (default)`)].join(", ")}`);
    this.connection.status.soon();
  }
}

/** What the person set of the server's settings, by the server's keys. Workspaces have no say. */
function set(manifest: { contributes: { configuration: readonly { properties: object }[] } }): Values {
  const own = vscode.workspace.getConfiguration("codriver");
  const found: Record<string, unknown> = {};
  for (const group of manifest.contributes.configuration.slice(1)) {
    for (const name of Object.keys(group.properties)) {
      const key = name.slice("codriver.".length);
      const value = own.inspect(key)?.globalValue;
      if (value !== undefined) {
        found[key] = value;
      }
    }
  }
  return found;
}

/** What is to be written (KEY=VALUE; the editor's JSON is TOML too) and what goes back to its default. */
export function changes(before: Values, now: Values): { readonly put: string[]; readonly gone: string[] } {
  const put = Object.entries(now)
    .filter(([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return { put, gone: Object.keys(before).filter((key) => !(key in now)) };
}
