// The server's private environment: a folder of the extension's storage, made with the person's consent only.
//
// It counts only with its mark, which is written last: what was interrupted is made anew.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";
import { type Ended, run } from "./child";
import type { Log } from "./log";
import { onPath, pythons } from "./server";

const MARK = "installed.json";
const OLDEST = "3.11";
const NEWER = ["python3.14", "python3.13", "python3.12", "python3.11"];
const STEP_MS = 15 * 60_000;

/** What was installed, when the mark says so. */
interface Mark {
  readonly version: string;
  readonly source: string;
}

export class PrivateEnvironment {
  private readonly folder: string;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: Log,
  ) {
    this.folder = join(context.globalStorageUri.fsPath, "server");
  }

  /** Its Python, when it is whole. */
  async python(): Promise<string | undefined> {
    const python = this.inside("python");
    const whole = (await this.mark()) !== undefined && (await stat(python).catch(() => undefined)) !== undefined;
    return whole ? python : undefined;
  }

  /** Whether what is installed is older than what this extension brings. */
  async outdated(): Promise<boolean> {
    const mark = await this.mark();
    return mark !== undefined && mark.version !== this.version && (await this.carried()) !== undefined;
  }

  /** Tells what would be done and asks; true once it is installed. */
  async offer(): Promise<boolean> {
    const source = await this.source();
    const detail = `pip installs ${source.name} and its dependencies (about 300 MB) into ${this.folder}. Nothing else on this machine is changed; afterwards it works offline.`;
    const told = (await this.outdated()) ? "Update Codriver's server?" : "Codriver's server is not installed.";
    const choice = await vscode.window.showInformationMessage(`${told} ${detail}`, "Install", "Choose a program", "Not now");
    if (choice === "Choose a program") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "codriver.serverPath");
    }
    return choice === "Install" && this.install();
  }

  /** Installs, showing each step; the log has all that pip says. Tells when it fails. */
  async install(): Promise<boolean> {
    const options = { location: vscode.ProgressLocation.Notification, title: "Codriver's server", cancellable: true };
    const problem = await vscode.window.withProgress(options, (progress, token) =>
      this.made((message) => progress.report({ message }), token),
    );
    if (problem === undefined) {
      return true;
    }
    this.log.appendLine(`Installing: ${problem}`);
    if (problem) {
      const choice = await vscode.window.showErrorMessage(`Codriver's server was not installed. ${problem}`, "Show log", "Try again");
      if (choice === "Show log") {
        this.log.show();
      }
      return choice === "Try again" ? this.install() : false;
    }
    return false;
  }

  /** Takes the environment away. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Undefined when all went well, "" when it was cancelled, else what is wrong. */
  private async made(show: (step: string) => void, token: vscode.CancellationToken): Promise<string | undefined> {
    const source = await this.source();
    await this.remove();
    await mkdir(this.context.globalStorageUri.fsPath, { recursive: true });
    show("making an environment");
    const bad = await this.environment(token);
    if (bad !== undefined) {
      return token.isCancellationRequested ? "" : bad;
    }
    show(`installing ${source.name}`);
    const said = (line: string) => {
      this.log.appendLine(line);
      const step = /^(Collecting|Downloading|Using cached|Installing collected packages|Building)\b[^(]*/.exec(line)?.[0];
      if (step) {
        show(step.slice(0, 80));
      }
    };
    const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", source.wanted];
    const done = await run(this.inside("python"), pip, { timeout: STEP_MS, token, said });
    if (done.code !== 0) {
      await this.remove();
      return token.isCancellationRequested ? "" : why(done);
    }
    await writeFile(join(this.folder, MARK), JSON.stringify({ version: this.version, source: source.name }));
    return undefined;
  }

  /** A virtual environment by the first Python that is new enough, else by uv. What is wrong, or undefined. */
  private async environment(token: vscode.CancellationToken): Promise<string | undefined> {
    let last = "";
    for (const python of await candidates()) {
      const done = await run(python, ["-m", "venv", "--clear", this.folder], { timeout: STEP_MS, token });
      if (done.code === 0) {
        this.log.appendLine(`An environment of ${python} in ${this.folder}`);
        return undefined;
      }
      last = `${python}: ${why(done)}`;
    }
    const uv = await onPath("uv");
    if (uv) {
      const args = ["venv", "--seed", "--clear", "--python", `>=${OLDEST}`, this.folder];
      const done = await run(uv, args, { timeout: STEP_MS, token, said: (line) => this.log.appendLine(line) });
      return done.code === 0 ? undefined : `${uv}: ${why(done)}`;
    }
    return last || `It needs Python ${OLDEST} or newer on PATH (or uv, which fetches one); none was found.`;
  }

  private get version(): string {
    return String(this.context.extension.packageJSON.version);
  }

  /** The wheel that came with the extension, else the same version of the package index. */
  private async source(): Promise<{ readonly name: string; readonly wanted: string }> {
    const wheel = await this.carried();
    return wheel
      ? { name: `codriver ${this.version} (came with the extension)`, wanted: wheel }
      : { name: `codriver ${this.version} (from PyPI)`, wanted: `codriver==${this.version}` };
  }

  private async carried(): Promise<string | undefined> {
    const folder = join(this.context.extensionPath, "server");
    const wheel = (await readdir(folder).catch(() => [])).find((name) => name.endsWith(".whl"));
    return wheel && join(folder, wheel);
  }

  private async mark(): Promise<Mark | undefined> {
    const text = await readFile(join(this.folder, MARK), "utf8").catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Mark);
  }

  private inside(name: string): string {
    return process.platform === "win32" ? join(this.folder, "Scripts", `${name}.exe`) : join(this.folder, "bin", name);
  }
}

/** Pythons that are new enough: the selected one, then those on PATH, the plain name first. */
async function candidates(): Promise<string[]> {
  const found = (await pythons()).map(([python]) => python);
  for (const name of NEWER) {
    const path = await onPath(name);
    if (path) {
      found.push(path);
    }
  }
  const asked = found.map(async (python) => {
    const test = `import sys; sys.exit(sys.version_info < (${OLDEST.replace(".", ", ")}))`;
    return (await run(python, ["-c", test], { timeout: 10_000 })).code === 0 ? python : undefined;
  });
  return [...new Set((await Promise.all(asked)).filter((python) => python !== undefined))];
}

/** A program's own last words. */
function why(ended: Ended): string {
  const lines = `${ended.out}\n${ended.err}`.split("\n").map((line) => line.trim()).filter(Boolean);
  const told = lines.filter((line) => /error|not |no |fail/i.test(line)).slice(-3);
  return (told.length > 0 ? told : lines.slice(-2)).join(" ").slice(0, 400) || `It ended with ${ended.code ?? "a signal"}.`;
}
