// Where Codriver's server is: the setting, PATH, its private environment, the selected Python, any python3.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename, delimiter, isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import { run } from "./child";

/** A way to run `codriver`: a program and what stands before its own arguments; and how it was found. */
export interface Server {
  readonly program: string;
  readonly prefix: readonly string[];
  readonly where: string;
}

/** Nothing to start, and whether installing it would help. */
export interface Missing {
  readonly why: string;
  readonly install: boolean;
}

const WINDOWS = process.platform === "win32";

/** The server to start. `installed`: the Python of the private environment, where there is one. */
export async function find(installed: string | undefined): Promise<Server | Missing> {
  const wanted = vscode.workspace.getConfiguration("codriver").get<string>("serverPath", "").trim();
  if (wanted) {
    return named(wanted);
  }
  const program = await onPath("codriver");
  if (program) {
    return { program, prefix: [], where: "PATH" };
  }
  if (installed) {
    return byPython(installed, "the extension's own environment");
  }
  for (const [python, where] of await pythons()) {
    if (await hasCodriver(python)) {
      return byPython(python, where);
    }
  }
  return { why: "Codriver's server is not installed.", install: true };
}

async function named(wanted: string): Promise<Server | Missing> {
  const program = isAbsolute(wanted) ? await runnable(wanted) : await onPath(wanted);
  if (!program) {
    return { why: `The setting codriver.serverPath names ${wanted}, which cannot be run.`, install: false };
  }
  if (!/^py(thon[\d.]*)?w?(\.exe)?$/i.test(basename(program))) {
    return { program, prefix: [], where: "codriver.serverPath" };
  }
  if (!(await hasCodriver(program))) {
    return { why: `The setting codriver.serverPath names ${wanted}, a Python without Codriver.`, install: false };
  }
  return byPython(program, "codriver.serverPath");
}

// -P: the folder we start in must not be imported from (a workspace may hold a file codriver.py).
export function byPython(python: string, where: string): Server {
  return { program: python, prefix: ["-P", "-m", "codriver"], where };
}

async function hasCodriver(python: string): Promise<boolean> {
  return (await run(python, ["-P", "-c", "import codriver"], { timeout: 10_000 })).code === 0;
}

/** Pythons to look into, the most likely first, each with a name for people. */
export async function pythons(): Promise<[string, string][]> {
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

/** A program's path, by its name. */
export async function onPath(name: string): Promise<string | undefined> {
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
