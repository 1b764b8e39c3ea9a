// The daemon's own dashboard in a panel: a frame of its page, opened by a one-time code that no page but ours gets.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { ask } from "./asking";
import type { Connection } from "./connection";
import { usd } from "./status";

export class Dashboard implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;

  constructor(private readonly connection: Connection) {}

  async open(): Promise<void> {
    const found = await ask<{ url?: string }>(this.connection.client, "codriver.dashboard");
    if (found !== undefined) {
      await this.fill(this.shown(), found.url);
    }
  }

  /** A new code for the panel where it is: whoever works elsewhere stays there. */
  private async renew(): Promise<void> {
    const found = await ask<{ url?: string }>(this.connection.client, "codriver.dashboard");
    if (found !== undefined && this.panel) {
      await this.fill(this.panel, found.url);
    }
  }

  private async fill(panel: vscode.WebviewPanel, url: string | undefined): Promise<void> {
    panel.webview.html = url ? await framed(panel.webview, url) : this.numbers();
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private shown(): vscode.WebviewPanel {
    if (this.panel) {
      this.panel.reveal();
      return this.panel;
    }
    const options = { enableScripts: true, retainContextWhenHidden: true };
    const panel = (this.panel = vscode.window.createWebviewPanel("codriver.dashboard", "Codriver", vscode.ViewColumn.Active, options));
    panel.onDidDispose(() => (this.panel = undefined));
    // The page's key ends with the daemon that gave it: a new one gives a new code.
    panel.webview.onDidReceiveMessage((message: { type?: string }) => {
      if (message.type === "codriver.dashboard.locked") {
        void this.renew();
      }
    });
    return panel;
  }

  /** Where the daemon has no port: what is known without it. */
  private numbers(): string {
    const now = this.connection.status.last;
    const rows = [
      ["Last model", now?.model || "none yet"],
      ["Today", usd(now?.cost_today ?? 0)],
      ["Strategy", now?.strategy ?? ""],
    ];
    const cells = rows.map(([name, value]) => `<tr><td>${name}&emsp;</td><td>${escaped(String(value))}</td></tr>`).join("");
    const why = "The daemon listens on no port (another program has it), so its dashboard cannot be shown here.";
    return `<!DOCTYPE html><html><body><h2>Codriver</h2><p>${why}</p><table>${cells}</table></body></html>`;
  }
}

/** A page with nothing but the daemon's in it; where the editor is elsewhere, by the editor's own forwarding. */
async function framed(webview: vscode.Webview, url: string): Promise<string> {
  const [page = "", code = ""] = url.split("#");
  const dark = [vscode.ColorThemeKind.Dark, vscode.ColorThemeKind.HighContrast].includes(vscode.window.activeColorTheme.kind);
  const outside = await vscode.env.asExternalUri(vscode.Uri.parse(page));
  const address = `${outside.toString(true)}?theme=${dark ? "dark" : "light"}#${code}`;
  const nonce = randomUUID();
  const origin = `${outside.scheme}://${outside.authority}`;
  return `<!DOCTYPE html><html><head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; frame-src ${origin}; style-src 'unsafe-inline' ${webview.cspSource}; script-src 'nonce-${nonce}'">
<style>html, body, iframe { border: 0; margin: 0; padding: 0; width: 100%; height: 100vh; display: block; overflow: hidden; }</style>
</head><body><iframe src="${escaped(address)}" title="Codriver's dashboard"></iframe>
<script nonce="${nonce}">
const editor = acquireVsCodeApi();
addEventListener("message", ({ data, origin }) => origin === ${JSON.stringify(origin)} && data?.type && editor.postMessage({ type: data.type }));
</script></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
