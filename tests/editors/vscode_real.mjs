// The extension in a real VS Code (code-server in a headless Chromium), as a person would use it. vscode_real.py runs it.
//
// JOB is JSON: modules, browser, packages (.vsix), shots, server (a codriver to use; else the extension installs its own), path.
// Prints a line per step; exit code 1 when one failed.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hands } from "./vscode_hands.mjs";
import { steps } from "./vscode_steps.mjs";

const JOB = JSON.parse(process.env.JOB);
const { chromium } = createRequire(join(JOB.modules, "package.json"))("playwright-core");
const CODE = join(JOB.modules, "node_modules", "code-server", "out", "node", "entry.js");
const SAMPLE = `def total(values):
    """The sum of some numbers."""
    result = 0
    for value in values:
        result += value
    return result


def first(values):
    if values == None:
        return None
    for value in values:
        return value


def mean(values):
    return total(values) / len(values)
`;

const home = mkdtempSync(join(tmpdir(), "codriver-vscode-"));
const work = join(home, "work");
const folders = ["--user-data-dir", join(home, "data"), "--extensions-dir", join(home, "extensions")];

function environment(port) {
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CODRIVER|JOB|VSCODE|.*_API_KEY)/.test(name)));
  return { ...kept, PATH: JOB.path, HOME: home, CODRIVER_HOME: join(home, "codriver"), CODRIVER_PORT: String(port), PIP_CACHE_DIR: JOB.pip };
}

function settle() {
  const write = (folder, values) => {
    mkdirSync(join(home, "data", folder), { recursive: true });
    writeFileSync(join(home, "data", folder, "settings.json"), JSON.stringify(values));
  };
  // Settings of machine scope count only here.
  write("Machine", { "codriver.serverArgs": ["--simulate"], ...(JOB.server && { "codriver.serverPath": JOB.server }) });
  write("User", {
    "codriver.trace.server": process.env.TRACE ?? "off",
    "editor.wordBasedSuggestions": "off",
    "editor.parameterHints.enabled": false,
    "editor.minimap.enabled": false,
    "files.autoSave": "off",
    "git.openRepositoryInParentFolders": "never",
    "telemetry.telemetryLevel": "off",
    "window.commandCenter": false,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": false,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
  });
  mkdirSync(work);
  writeFileSync(join(work, "sample.py"), SAMPLE);
  const git = (...args) => spawnSync("git", ["-c", "user.name=Test", "-c", "user.email=test@example.com", ...args], { cwd: work });
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "-m", "sample");
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function started(environ) {
  const packages = JOB.packages.flatMap((one) => ["--install-extension", one]);
  const installed = spawnSync(process.execPath, [CODE, ...folders, ...packages], { env: environ, encoding: "utf8" });
  if ((installed.stdout.match(/successfully installed/g) ?? []).length !== JOB.packages.length) {
    throw new Error(installed.stdout + installed.stderr);
  }
  const port = await freePort();
  const flags = ["--auth", "none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"];
  const editor = spawn(process.execPath, [CODE, ...folders, ...flags, "--bind-addr", `127.0.0.1:${port}`, work], {
    env: environ,
    stdio: ["ignore", "pipe", "pipe"],
  });
  await new Promise((resolve, reject) => {
    editor.stdout.on("data", (text) => text.includes("listening on") && resolve());
    editor.once("exit", (code) => reject(new Error(`code-server ended with ${code}`)));
  });
  return { editor, address: `http://127.0.0.1:${port}/?folder=${work}` };
}

/** Plays all steps, also after one that failed. How many failed. */
async function played(page) {
  const person = hands(page, JOB.shots);
  const wanted = (JOB.only ?? "").split(",").filter(Boolean);
  let failed = 0;
  for (const [name, step] of steps({ person, home, work, sample: SAMPLE, server: JOB.server })) {
    if (wanted.length > 0 && !/opens$|runs$/.test(name) && !wanted.some((one) => name.includes(one))) {
      continue;
    }
    const begin = Date.now();
    const told = (how, what) => console.log(`${how.padEnd(5)} ${name.padEnd(52)} ${((Date.now() - begin) / 1_000).toFixed(1).padStart(6)} s  ${what}`);
    try {
      told("ok", (await step()) ?? "");
    } catch (problem) {
      failed += 1;
      told("FAIL", String(problem).slice(0, 400));
      console.log(`      status bar: ${await person.status().catch(() => "?")}; notices: ${JSON.stringify(await person.notices().catch(() => []))}`);
      await page.screenshot({ path: join(JOB.failed, `failed-${failed}.png`) }).catch(() => undefined);
      await person.press("Escape", "Escape");
    }
  }
  return failed;
}

let code = 1;
let editor;
let browser;
try {
  settle();
  const begun = await started(environment(await freePort()));
  editor = begun.editor;
  browser = await chromium.launch({
    executablePath: JOB.browser,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = await browser.newPage({ viewport: { width: 1120, height: 660 }, colorScheme: "dark" });
  page.setDefaultTimeout(90_000);
  await page.goto(begun.address);
  const failed = await played(page);
  console.log(failed ? `${failed} steps FAILED` : "all steps passed");
  code = failed ? 1 : 0;
} catch (problem) {
  console.log(`FAIL  ${problem.stack ?? problem}`);
} finally {
  await browser?.close();
  if (editor && editor.exitCode === null) {
    const ended = new Promise((resolve) => editor.once("exit", resolve));
    editor.kill("SIGTERM");
    await ended;
  }
  if (process.env.KEEP) {
    console.log(`kept: ${home}`);
  } else {
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
process.exit(code);
