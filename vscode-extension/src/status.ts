// The status bar: the model of the last request, and whether there is a server at all.
import * as vscode from "vscode";

/** What `codriver.status` answers, as far as it is shown. */
export interface ServerStatus {
  readonly version?: string;
  readonly model?: string;
  readonly cost?: number;
  readonly simulated?: boolean;
}

const REST_MS = 1_000;

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("codriver.status", vscode.StatusBarAlignment.Right, 90);
  private timer: NodeJS.Timeout | undefined;

  /** `ask` gives the server's status, or undefined when it cannot. */
  constructor(private readonly ask: () => Promise<ServerStatus | undefined>) {
    this.item.name = "Codriver";
    this.item.command = "codriver.menu";
    this.item.show();
  }

  /** A state without a server: starting, off, missing. */
  say(text: string, why: string, warn = false): void {
    this.item.text = `$(${warn ? "warning" : "compass"}) ${text}`;
    this.item.tooltip = why;
    this.item.backgroundColor = warn ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
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
    const simulated = status.simulated ?? status.model?.startsWith("simulator/") ?? false;
    const model = status.model ? ` ${status.model}${simulated ? " (simulated)" : ""}` : " Codriver";
    const tip = new vscode.MarkdownString(`**Codriver** ${status.version ?? ""}\n\n`);
    if (status.model) {
      tip.appendMarkdown(`Last request: \`${status.model}\`${simulated ? ", simulated" : ""}`);
      tip.appendMarkdown(status.cost ? `, $${status.cost.toFixed(4)}` : ", nothing billed");
    } else {
      tip.appendMarkdown("No request yet");
    }
    this.item.text = `$(compass)${model}`;
    this.item.tooltip = tip;
    this.item.backgroundColor = undefined;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.item.dispose();
  }
}
