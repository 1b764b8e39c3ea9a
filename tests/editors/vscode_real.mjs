// The extension in a real VS Code (code-server in a headless Chromium): ghost text in an untitled document,
// taken with Tab; review of a file; what the status bar says. By hand, about half a minute:
//
//   TOOLS=<folder> VSIX=<codriver.vsix> SERVER=<codriver or a stand-in> [ARGS='--simulate'] [LINES=$'def a():\n    '] \
//     [SHOTS=<folder>] <node 24> tests/editors/vscode_real.mjs
//
// TOOLS holds node_modules with code-server 4.139.1 and playwright-core 1.65.1 (README.md here says how).
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { TOOLS, VSIX, SERVER, ARGS = "", LINES = "def add(a, b):\nre", SHOTS, CHROMIUM = "/usr/bin/chromium" } = process.env;
const { chromium } = createRequire(join(TOOLS, "package.json"))("playwright-core");
const CODE = join(TOOLS, "node_modules", "code-server", "out", "node", "entry.js");
const SAMPLE = "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n    return total / len(values)\n";

// A quick typist. The workbench loads its inline suggestions some time after the first editor opens, and
// asks nothing for what was typed before.
const KEY_MS = 60;

const home = mkdtempSync(join(tmpdir(), "codriver-vscode-"));
const folders = ["--user-data-dir", join(home, "data"), "--extensions-dir", join(home, "extensions")];
const environment = { ...process.env, CODRIVER_HOME: process.env.CODRIVER_HOME ?? join(home, "codriver"), HOME: home };

function settings() {
  const write = (folder, values) => {
    mkdirSync(join(home, "data", folder), { recursive: true });
    writeFileSync(join(home, "data", folder, "settings.json"), JSON.stringify(values));
  };
  // Settings of machine scope count only here.
  write("Machine", { "codriver.serverPath": SERVER, "codriver.serverArgs": ARGS.split(" ").filter(Boolean) });
  write("User", {
    "chat.disableAIFeatures": true,
    "codriver.trace.server": process.env.TRACE ?? "off",
    "editor.wordBasedSuggestions": "off",
    "files.autoSave": "off",
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
  });
  mkdirSync(join(home, "work"));
  writeFileSync(join(home, "work", "sample.py"), SAMPLE);
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function until(what, found, ms = 20_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await found();
    if (value) {
      return value;
    }
    if (Date.now() > end) {
      throw new Error(`never came: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What a person can do and see. */
function hands(page) {
  const clean = (text) => text.replaceAll("\u00a0", " ").replaceAll("·", " ");
  return {
    async command(name) {
      await page.keyboard.press("F1");
      await page.locator(".quick-input-widget input").fill(`>${name}`);
      // By its name: the first row may be another command that resembles it.
      await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${name}"]`).first().click();
    },
    async open(file) {
      await page.keyboard.press("Control+P");
      await page.locator(".quick-input-widget input").fill(file);
      await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${file}"]`).first().click();
      await until(`the tab of ${file}`, () => page.locator(".tab.active", { hasText: file }).count());
    },
    async type(text) {
      for (const letter of text) {
        await page.keyboard.press(letter === "\n" ? "Enter" : letter === " " ? "Space" : letter, { delay: KEY_MS });
      }
    },
    async ghost() {
      const parts = await page.locator('.editor-group-container .monaco-editor [class*="ghost-text"]').allInnerTexts();
      return clean(parts.join("")).trim();
    },
    async lines() {
      return clean((await page.locator(".editor-group-container .monaco-editor .view-lines .view-line").allInnerTexts()).join("\n"));
    },
    async status() {
      return clean((await page.locator('.statusbar-item[id*="codriver"]').allInnerTexts()).join(" ")).trim();
    },
    async shot(name) {
      if (SHOTS) {
        await page.screenshot({ path: join(SHOTS, `${name}.png`) });
      }
    },
  };
}

async function scenario(page, saw) {
  const person = hands(page);
  await page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
  saw.status = await until("a running server", async () => {
    const text = await person.status();
    return text && !text.includes("...") && text;
  }, 60_000);
  await person.command("File: New Untitled Text File");
  await until("an untitled tab", () => page.locator(".tab.active", { hasText: "Untitled-1" }).count());
  await page.locator(".editor-group-container .monaco-editor .view-lines").first().waitFor();
  await person.type(LINES);
  saw.ghost = await until("ghost text", () => person.ghost(), 4_000).catch(async () => {
    await page.keyboard.press("Backspace");
    await person.type(LINES.at(-1));
    return until("ghost text, after one more key", () => person.ghost());
  });
  await person.shot("ghost");
  await page.keyboard.press("Tab");
  await until("the suggestion in the text", async () => (await person.ghost()) !== saw.ghost);
  saw.untitled = await person.lines();
  saw.statusAfter = await until("a status", () => person.status());
  await person.shot("accepted");
  await person.open("sample.py");
  await person.command("Codriver: Explain last decision");
  await until("the decision", () => page.locator(".tab.active", { hasText: "last decision" }).count());
  await until("the decision", () => page.locator(".tab.active", { hasText: "last decision" }).count());
  saw.notices = await page.locator(".notification-list-item-message").allInnerTexts();
  await person.shot("explained");
  await person.open("sample.py");
  await person.command("Codriver: Review");
  await until("findings", () => page.locator('.monaco-editor [class*="squiggly"]').count(), 15_000).then(
    (n) => (saw.findings = n),
    () => (saw.findings = 0),
  );
  saw.statusAfterReview = await person.status();
  await person.shot("review");
}

const saw = {};
let code = 1;
let editor;
let browser;
try {
  settings();
  const installed = spawnSync(process.execPath, [CODE, ...folders, "--install-extension", VSIX], { env: environment, encoding: "utf8" });
  if (!installed.stdout.includes("successfully installed")) {
    throw new Error(installed.stdout + installed.stderr);
  }
  const port = await freePort();
  const flags = ["--auth", "none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"];
  const serve = [CODE, ...folders, ...flags, "--bind-addr", `127.0.0.1:${port}`, join(home, "work")];
  editor = spawn(process.execPath, serve, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  await new Promise((resolve) => editor.stdout.on("data", (text) => text.includes("listening on") && resolve()));
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"],
  });
  const page = await browser.newPage({ viewport: { width: 1200, height: 760 } });
  try {
    await page.goto(`http://127.0.0.1:${port}/?folder=${join(home, "work")}`);
    await scenario(page, saw);
    code = 0;
  } catch (problem) {
    saw.problem = String(problem);
    if (SHOTS) {
      await page.screenshot({ path: join(SHOTS, "failed.png") });
    }
  }
} catch (problem) {
  saw.problem = String(problem);
} finally {
  await browser?.close();
  if (editor) {
    const ended = new Promise((resolve) => editor.once("exit", resolve));
    editor.kill("SIGTERM");
    await ended;
  }
  if (!process.env.KEEP) {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  } else {
    saw.home = home;
  }
}
console.log(JSON.stringify(saw, null, 2));
process.exit(code);
