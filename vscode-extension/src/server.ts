// Where Codriver's server is: the setting, PATH, the selected Python, any python3.
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename, delimiter, isAbsolute, join } from "node:path";
import * as vscode from "vscode";

/** A program that speaks LSP on stdio, and how it was found. */
export interface Server {
  readonly command: string;
  readonly args: readonly string[];
  readonly where: string;
}

const WINDOWS = process.platform === "win32";

/** The server to start, or a sentence that says what is missing. */
export async function find(): Promise<Server | string> {
  const settings = vscode.workspace.getConfiguration("codriver");
  const more = settings.get<string[]>("serverArgs", []);
  const wanted = settings.get<string>("serverPath", "").trim();
  if (wanted) {
    return fromSetting(wanted, more);
  }
  const program = await onPath("codriver");
  if (program) {
    return { command: program, args: ["lsp", ...more], where: "PATH" };
  }
  for (const [python, where] of await pythons()) {
    if (await hasCodriver(python)) {
      return { ...byPython(python, more), where };
    }
  }
  return "Codriver's server was not found. Install it (pipx install codriver) or set codriver.serverPath.";
}

async function fromSetting(wanted: string, more: readonly string[]): Promise<Server | string> {
  const where = "codriver.serverPath";
  const program = isAbsolute(wanted) ? await runnable(wanted) : await onPath(wanted);
  if (!program) {
    return `codriver.serverPath names ${wanted}, which cannot be run.`;
  }
  if (!/^py(thon[\d.]*)?w?(\.exe)?$/i.test(basename(program))) {
    return { command: program, args: ["lsp", ...more], where };
  }
  if (!(await hasCodriver(program))) {
    return `codriver.serverPath names ${wanted}, which has no Codriver: ${wanted} -m pip install codriver.`;
  }
  return { ...byPython(program, more), where };
}

// -P: the folder we start in must not be imported from (a workspace may hold a file codriver.py).
function byPython(python: string, more: readonly string[]): Omit<Server, "where"> {
  return { command: python, args: ["-P", "-m", "codriver", "lsp", ...more] };
}

function hasCodriver(python: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(python, ["-P", "-c", "import codriver"], { timeout: 10_000 }, (error) => resolve(!error));
  });
}

async function pythons(): Promise<[string, string][]> {
  const found: [string, string][] = [];
  const selected = await selectedPython();
  if (selected) {
    found.push([selected, "the selected Python"]);
  }
  for (const name of WINDOWS ? ["python", "py"] : ["python3", "python"]) {
    const path = await onPath(name);
    if (path) {
      found.push([path, name]);
    }
  }
  return found;
}

/** The Python extension's choice; it may lie in the workspace, so only in trusted ones. */
async function selectedPython(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (!extension?.isActive || !vscode.workspace.isTrusted) {
    return undefined;
  }
  const path = extension.exports.environments?.getActiveEnvironmentPath?.().path;
  return path ? runnable(path) : undefined;
}

interface PythonApi {
  readonly environments?: { getActiveEnvironmentPath?(): { readonly path: string } };
}

async function onPath(name: string): Promise<string | undefined> {
  const endings = WINDOWS ? (process.env["PATHEXT"] ?? ".EXE;.CMD").split(";") : [""];
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) {
      continue; // "." on PATH would be the workspace
    }
    for (const ending of endings) {
      const path = await runnable(join(folder, name + ending));
      if (path) {
        return path;
      }
    }
  }
  return undefined;
}

async function runnable(path: string): Promise<string | undefined> {
  try {
    await access(path, WINDOWS ? constants.F_OK : constants.X_OK);
    return (await stat(path)).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}
