// The status bar: the model of the last request, what today cost, whether suggestions are paused; and the pause itself.
import * as vscode from "vscode";

/** What `codriver.status` answers, as far as it is shown. */
export interface ServerStatus {
  readonly version?: string;
  readonly pid?: number;
  readonly model?: string;
  readonly cost?: number;
  readonly simulated?: boolean;
  readonly cost_today?: number;
  readonly saved_today?: number;
  readonly strategy?: string;
  /** Where the daemon's HTTP endpoint is; "" where it has none. */
  readonly http?: string;
  /** What is wrong with the settings file. */
  readonly problem?: string;
}

const REST_MS = 1_000;
const POLL_MS = 30_000; // agents spend through the same daemon

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("codriver.status", vscode.StatusBarAlignment.Right, 90);
  private readonly poll: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private resume: NodeJS.Timeout | undefined;
  private other: string | undefined;
  /** Asks the server; undefined when it cannot be asked. */
  ask: () => Promise<ServerStatus | undefined> = () => Promise.resolve(undefined);
  /** What it said last. */
  last: ServerStatus | undefined;
  paused = false;

  constructor() {
    this.item.name = "Codriver";
    this.item.command = "codriver.menu";
    this.item.show();
    this.poll = setInterval(() => vscode.window.state.focused && this.soon(), POLL_MS);
  }

  /** A state without a server: starting, off, missing. */
  say(text: string, why: string, warn = false): void {
    this.last = undefined;
    this.item.text = `$(${warn ? "warning" : "compass"}) ${text}`;
    this.item.tooltip = why;
    this.item.backgroundColor = warn ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  }

  /** Somebody else suggests here, or nobody. */
  beside(other: string | undefined): void {
    this.other = other;
    this.soon();
  }

  /** No suggestions while typing, for these minutes or (undefined) until resumed; 0 resumes. */
  pause(minutes: number | undefined): void {
    clearTimeout(this.resume);
    this.paused = minutes !== 0;
    if (minutes) {
      this.resume = setTimeout(() => this.pause(0), minutes * 60_000);
    }
    void vscode.commands.executeCommand("setContext", "codriver.paused", this.paused);
    void this.update();
  }

  /** Asks the server shortly; many calls within a second are one question. */
  soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.update();
    }, REST_MS);
  }

  async update(): Promise<void> {
    const status = await this.ask();
    if (!status) {
      return;
    }
    this.last = status;
    const model = status.model ? `${status.model}${this.simulated ? " (simulated)" : ""}` : "Codriver";
    const today = status.model ? ` · ${usd(status.cost_today ?? 0)} today` : "";
    const icon = this.paused ? "debug-pause" : status.problem ? "warning" : "compass";
    this.item.text = `$(${icon}) ${model}${today}${this.paused ? " · paused" : ""}`;
    this.item.tooltip = this.tip(status);
    this.item.backgroundColor = undefined;
  }

  dispose(): void {
    clearInterval(this.poll);
    clearTimeout(this.timer);
    clearTimeout(this.resume);
    this.item.dispose();
  }

  private get simulated(): boolean {
    return this.last?.simulated ?? this.last?.model?.startsWith("simulator/") ?? false;
  }

  private tip(status: ServerStatus): vscode.MarkdownString {
    const lines = [`**Codriver** ${status.version ?? ""}`];
    const cost = status.cost ? `, ${usd(status.cost)}` : ", nothing billed";
    lines.push(status.model ? `Last request: \`${status.model}\`${this.simulated ? ", simulated" : ""}${cost}` : "No request yet");
    const saved = status.saved_today ? `, ${usd(status.saved_today)} less than the best model alone` : "";
    lines.push(`Today: ${usd(status.cost_today ?? 0)}${saved}`);
    if (status.strategy) {
      lines.push(`Strategy: ${status.strategy}`);
    }
    if (this.paused) {
      lines.push("Suggestions are paused.");
    }
    if (this.other) {
      lines.push(`${this.other} suggests here; Codriver does when asked.`);
    }
    if (status.problem) {
      lines.push(`$(warning) Settings: ${status.problem}`);
    }
    return new vscode.MarkdownString(lines.join("\n\n"), true);
  }
}

/** Small sums with the digits that matter. */
export function usd(amount: number): string {
  return amount === 0 ? "$0" : amount < 0.0001 ? "<$0.0001" : `$${amount.toFixed(amount < 0.1 ? 4 : 2)}`;
}
