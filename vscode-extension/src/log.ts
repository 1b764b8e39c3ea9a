// The log: an output channel that shows no key, and remembers the last lines to say why a server ended.
import * as vscode from "vscode";

const REMEMBERED = 40;
const TOKEN = /\bcdr-[\w-]{20,}/g; // the daemon's own token, as it makes them

/** An output channel over the real one. What `redact` was told never gets through, whoever writes it. */
export class Log implements vscode.OutputChannel {
  private readonly channel: vscode.OutputChannel;
  private readonly recent: string[] = [];
  private secrets: readonly string[] = [];

  constructor(readonly name: string) {
    this.channel = vscode.window.createOutputChannel(name);
  }

  /** These are replaced by stars from now on. */
  redact(secrets: readonly string[]): void {
    this.secrets = secrets.filter((secret) => secret.length > 3);
  }

  /** The last words since `from`, newest last: what a server said before it ended. */
  last(lines: number): string {
    return this.recent.slice(-lines).join("\n");
  }

  /** Forgets what was said, for a new server. */
  fresh(): void {
    this.recent.length = 0;
  }

  append(value: string): void {
    const shown = this.clean(value);
    this.recent.push(...shown.split("\n").filter((line) => line.trim()));
    this.recent.splice(0, Math.max(0, this.recent.length - REMEMBERED));
    this.channel.append(shown);
  }

  appendLine(value: string): void {
    this.append(`${value}\n`);
  }

  replace(value: string): void {
    this.channel.replace(this.clean(value));
  }

  clear(): void {
    this.channel.clear();
  }

  show(): void {
    this.channel.show(true);
  }

  hide(): void {
    this.channel.hide();
  }

  dispose(): void {
    this.channel.dispose();
  }

  private clean(text: string): string {
    return this.secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), text.replace(TOKEN, "cdr-***"));
  }
}
