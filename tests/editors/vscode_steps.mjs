// What is done in a real VS Code, step by step, and what must then be seen. A step throws when it is not.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./vscode_hands.mjs";

const LONG = 600_000;

/** Steps by their names, in order. `home` is the person's, `work` the open folder with sample.py. */
export function steps({ person, home, work, sample, server }) {
  const { page } = person;
  const state = join(home, "codriver");
  const token = () => readFileSync(join(state, "token"), "ascii").trim();
  const daemon = () => JSON.parse(readFileSync(join(state, "daemon.json"), "utf8"));
  const must = (holds, what) => {
    if (!holds) {
      throw new Error(what);
    }
  };

  /** What the daemon says over HTTP. */
  async function asked(path) {
    const response = await fetch(`http://127.0.0.1:${daemon().http.port}${path}`, { headers: { authorization: `Bearer ${token()}` } });
    return response.json();
  }

  /** How many requests the simulator has had: what was really asked of a model. */
  async function requests() {
    const { simulator_url: url } = await asked("/v1/status");
    const response = await fetch(`${url}/simulator/log`, { headers: { authorization: `Bearer ${token()}` } });
    return (await response.json()).requests.length;
  }

  /** Ghost text; where the workbench was still loading, one more key brings it. */
  async function ghost(last) {
    return until("ghost text", () => person.ghost(), 8_000).catch(async () => {
      await person.press("Backspace");
      await person.type(last);
      return until("ghost text, after one more key", () => person.ghost());
    });
  }

  async function running() {
    return until("a running server", async () => {
      const text = await person.status();
      return text && !/\.\.\.|stopped|off$/.test(text) && !(await page.locator('.statusbar-item[id*="codriver"] .codicon-warning').count()) && text;
    }, LONG);
  }

  /** The forwarders of this home: what the editor started. */
  function forwarders() {
    return readdirSync("/proc").filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return /^\d+$/.test(pid) && words.includes("lsp") && words.includes("--stdio") && readFileSync(`/proc/${pid}/environ`, "utf8").includes(state);
      } catch {
        return false; // gone, or not ours to read
      }
    }).map(Number);
  }

  const saved = () => readFileSync(join(work, "sample.py"), "utf8");
  const config = () => (existsSync(join(state, "config.toml")) ? readFileSync(join(state, "config.toml"), "utf8") : "");

  return [
    ["the workbench opens", () => page.locator(".monaco-workbench").waitFor({ timeout: LONG })],

    ["the server is installed when asked", async () => {
      if (server) {
        return `skipped: ${server} is used`;
      }
      await page.locator(".notification-toast", { hasText: "is not installed" }).waitFor({ timeout: LONG });
      await person.shot("install");
      await person.notice("is not installed", "Install");
      return running();
    }],

    ["the server runs", running],

    ["an unsaved Python file: ghost text", async () => {
      await person.untitled("Python");
      await person.type("def add(first, second):\nreturn ");
      return ghost(" ");
    }],

    ["Tab takes it", async () => {
      const text = await person.ghost();
      await person.press("Tab");
      await until("the text", async () => (await person.lines()).includes(text) && !(await person.ghost()));
      return (await person.lines()).split("\n")[1];
    }],

    ["a word is taken", async () => {
      await person.press("Enter", "Enter", "Shift+Tab", "Shift+Tab");
      await person.type("def product(width, height):\nreturn ");
      const text = await ghost(" ");
      const before = (await person.lines()).length;
      await person.press("Control+ArrowRight");
      const lines = await until("a longer text", async () => ((await person.lines()).length > before ? person.lines() : ""));
      const rest = await until(`the rest of "${text}"`, () => person.ghost(), 20_000);
      must(rest.length < text.length && text.endsWith(rest), `the rest of ${text} is ${rest}`);
      return `${lines.split("\n").pop()}|${rest}`;
    }],

    ["typing along asks no model again", async () => {
      const before = await requests();
      const rest = await person.ghost();
      for (const letter of rest.slice(0, 3)) {
        await person.type(letter);
        await until("the rest", async () => (await person.ghost()).length < rest.length);
      }
      await until("three letters less", async () => (await person.ghost()) === rest.slice(3));
      const after = await requests();
      must(before > 0 && after === before, `${before} requests before, ${after} after`);
      return `${after} requests before and after`;
    }],

    ["a picture of ghost text", async () => {
      await person.press("Tab");
      await person.press("Enter", "Enter", "Shift+Tab", "Shift+Tab");
      await person.type("def area(width, height):\n");
      await until("ghost text", () => person.ghost());
      await until("what today cost", async () => /today/.test(await person.status()));
      await person.tidy();
      await until("ghost text", () => person.ghost(), 3_000).catch(async () => {
        await person.command("Trigger Inline Suggestion");
        await until("ghost text", () => person.ghost());
      });
      await person.shot("ghost");
    }],

    ["the status bar names model, simulation and cost", async () => {
      const text = await until("model and cost", async () => /\S+\/\S+ \(simulated\).*\$\d.* today/.test(await person.status()) && person.status());
      return text;
    }],

    ["Escape rejects: it is not offered there again", async () => {
      const text = await person.ghost();
      await person.press("Escape");
      await until("silence", async () => !(await person.ghost()));
      await person.press("x", "Backspace"); // a blank would go together with the indentation
      const label = await until("the word in the ledger", async () => {
        const page = await asked("/v1/dashboard");
        return page.today.completions.rejected;
      });
      must((await person.ghost()) !== text, "it came again");
      return `rejected: ${label}`;
    }],

    ["an unsaved TypeScript file: ghost text, taken", async () => {
      await person.untitled("TypeScript");
      await person.type("function add(first: number, second: number) {\nreturn ");
      const text = await ghost(" ");
      await person.press("Tab");
      await until("the text", async () => (await person.lines()).includes(text) && !(await person.ghost()));
      return text;
    }],

    ["review: findings and comments", async () => {
      await person.open("sample.py");
      await page.locator(".view-line", { hasText: "values == None" }).first().waitFor();
      await person.command("Codriver: Review");
      const found = await until("findings", () => page.locator('.monaco-editor [class*="squiggly"]').count());
      await until("comments", () => page.locator('.monaco-editor [class*="comment-thread"], .monaco-editor [class*="comment-range-glyph"]').count());
      await until("who did it", async () => /review|finding/i.test(await page.locator(".statusbar").innerText()));
      await person.command("View: Toggle Comments");
      await page.locator(".comments-panel .monaco-list-row", { hasText: "None" }).first().waitFor();
      await page.locator(".comments-panel .monaco-list-row", { hasText: "None" }).last().dblclick();
      await page.locator(".review-widget", { hasText: "identity" }).first().waitFor();
      await person.shot("review");
      return `${found} places marked`;
    }],

    ["the finding's fix is applied", async () => {
      await page.locator(".review-widget .action-label.codicon-lightbulb-autofix").first().click();
      await until("the fix", async () => (await person.lines()).includes("values is None"));
      await until("the comment gone", async () => !(await page.locator(".review-widget:visible", { hasText: "identity" }).count()));
      await person.press("Control+j");
      await until("no panel", async () => !(await page.locator(".comments-panel:visible").count()));
      return "values is None";
    }],

    ["clear review", async () => {
      await person.command("Codriver: Clear review");
      await until("no marks", async () => !(await page.locator('.monaco-editor [class*="squiggly"]').count()));
    }],

    ["refactor: the difference is shown, then made", async () => {
      await person.open("sample.py");
      await person.press("Control+Home");
      await person.command("Codriver: Refactor...");
      await person.answer("rename result to subtotal");
      await page.locator(".monaco-diff-editor").first().waitFor();
      await until("the new text", async () => (await page.locator(".monaco-diff-editor .modified .view-lines:not(.line-delete)").innerText()).includes("subtotal"));
      must(!saved().includes("subtotal"), "it was made before it was agreed to");
      await page.locator(".notification-toast.notification-fade-in-done", { hasText: "Apply or discard" }).waitFor();
      await person.shot("refactor");
      await page.locator(".editor-actions .action-label.codicon-check").first().click();
      await person.tab("sample.py");
      await until("the change", async () => (await person.lines()).includes("subtotal += value"));
      return (await person.lines()).split("\n")[2];
    }],

    ["one undo takes it back", async () => {
      await page.locator(".view-line", { hasText: "subtotal += value" }).first().click();
      await person.press("Control+Z");
      await until("the text before", async () => (await person.lines()).includes("result += value") && !(await person.lines()).includes("subtotal"));
    }],

    ["a refactor that is discarded changes nothing", async () => {
      await person.open("sample.py");
      await person.press("Control+Home");
      await person.command("Codriver: Refactor...");
      await person.answer("rename value to number");
      await page.locator(".monaco-diff-editor").first().waitFor();
      await page.locator(".editor-actions .action-label.codicon-discard").first().click();
      await person.tab("sample.py");
      must((await person.lines()).includes("for value in values"), "it was changed");
    }],

    ["explain", async () => {
      await person.open("sample.py");
      await person.press("Control+Home");
      await person.command("Codriver: Explain");
      await page.locator(".tab", { hasText: "Explanation of sample.py" }).first().waitFor();
      await until("the words", async () => (await Promise.all(page.frames().map((one) => one.locator("body").innerText().catch(() => "")))).join("\n").includes("total"));
      await person.shot("explain");
      await person.command("View: Join All Editor Groups");
      await until("one group", async () => (await page.locator(".editor-group-container").count()) === 1);
      await person.open("sample.py");
    }],

    ["why: the last decision", async () => {
      await person.command("Codriver: Explain last decision");
      await person.tab("last decision");
      await until("reasons", async () => (await person.lines()).includes('"model"'));
      await person.open("sample.py");
    }],

    ["a commit message in source control", async () => {
      await page.locator(".view-line").first().click();
      await person.press("Control+S");
      await person.command("Codriver: Write commit message");
      await person.press("Control+Shift+g");
      const text = await until("a message", async () => {
        const lines = await page.locator(".scm-editor .view-lines").first().innerText();
        return lines.trim().length > 3 && !/^Message/.test(lines.trim()) && lines.trim();
      });
      await page.locator('.scm-view .action-label[class*="sparkle"], .pane-header .action-label[class*="sparkle"], .title-actions .action-label[class*="sparkle"]').first().waitFor();
      await person.press("Control+Shift+e");
      return text.split("\n")[0];
    }],

    ["the strategy reaches the settings file", async () => {
      await person.command("Codriver: Choose strategy...");
      await person.pick("the cheapest that will do");
      await until("the file", () => /strategy = "cost"/.test(config()));
      await until("the daemon", async () => (await asked("/v1/status")).strategy === "cost");
      return config().trim().replaceAll("\n", " ");
    }],

    ["pause and resume", async () => {
      await person.command("Codriver: Pause suggestions...");
      await person.pick("Until I resume");
      await until("paused", async () => (await person.status()).includes("paused"));
      await person.command("Codriver: Resume suggestions");
      await until("resumed", async () => !(await person.status()).includes("paused"));
    }],

    ["the dashboard opens in a panel", async () => {
      await person.command("Codriver: Open dashboard");
      await person.tab("Codriver");
      const frame = await until("the page", () => page.frames().find((one) => one.url().includes("/dashboard")));
      await frame.locator("table").first().waitFor();
      await until("live numbers", async () => /live/.test(await frame.locator("body").innerText()));
      await person.shot("dashboard");
      return (await frame.locator("body").innerText()).split("\n").slice(0, 3).join(" ");
    }],

    ["the walkthrough opens", async () => {
      await person.command("Codriver: Getting started");
      await page.locator(".gettingStartedContainer", { hasText: "Install the server" }).first().waitFor();
      await person.shot("walkthrough");
    }],

    ["a key goes to the daemon and into no file", async () => {
      const key = "sk-test-0123456789-not-a-real-key";
      await person.command("Codriver: Set a provider's key...");
      await person.pick("Groq");
      await person.answer(key);
      await until("the provider", async () => (await asked("/v1/models")).data.some((model) => model.id.startsWith("groq/")));
      let found = "";
      try {
        found = execFileSync("grep", ["-rlF", key, home], { encoding: "utf8", maxBuffer: 1e7 });
      } catch (none) {
        must(none.status === 1, `grep: ${none}`);
      }
      must(!found, `the key stands in ${found}`);
      await person.command("Codriver: Set a provider's key...");
      await person.pick("Groq");
      await person.answer("");
      await running();
    }],

    ["the editor's own chat can use the models", async () => {
      await person.command("Probe: chat");
      const allow = page.locator(".monaco-dialog-box .monaco-button", { hasText: "Allow" });
      const text = await until("an answer", async () => {
        if (await allow.count()) {
          await allow.first().click();
        }
        const lines = await person.lines();
        return /^(models|failed): /.test(lines) && lines;
      });
      must(/^models: \d+\ntokens: 3\nanswer: .*simulated/i.test(text), text);
      return text.replaceAll("\n", ", ").slice(0, 100);
    }],

    ["another assistant: Codriver steps back, or not", async () => {
      await person.untitled("Python");
      await person.command("Probe: other");
      await person.type("def sum(left, right):\nreturn ");
      await page.locator(".notification-toast", { hasText: "Codriver stays quiet" }).waitFor();
      must(!(await person.ghost()), "it suggested all the same");
      await person.command("Trigger Inline Suggestion");
      await until("ghost text when asked", () => person.ghost());
      await person.press("Escape");
      await person.notice("Codriver stays quiet", "Use Codriver");
      await person.press("Enter");
      await person.type("def product(left, right):\nreturn ");
      return ghost(" ");
    }],

    ["the daemon killed: a new one, and suggestions", async () => {
      const { pid } = daemon();
      process.kill(pid, "SIGKILL");
      await until("another daemon", () => existsSync(join(state, "daemon.json")) && daemon().pid !== pid && daemon());
      await person.untitled("Python");
      await person.type("def power(base, exponent):\nreturn ");
      await ghost(" ");
      return `pid ${pid} -> ${daemon().pid}`;
    }],

    ["the server killed: started again by the extension", async () => {
      const before = forwarders();
      must(before.length === 1, `${before.length} forwarders`);
      process.kill(before[0], "SIGKILL");
      const after = await until("another forwarder", () => forwarders().find((pid) => !before.includes(pid)));
      await running();
      await person.untitled("Python");
      await person.type("def ratio(part, whole):\nreturn ");
      await ghost(" ");
      return `pid ${before[0]} -> ${after}`;
    }],

    ["a server that does not stay up: it is told why", async () => {
      const bad = join(home, "bad-codriver");
      writeFileSync(bad, "#!/bin/sh\necho 'codriver: the moon is in the wrong phase' >&2\nexit 3\n", { mode: 0o755 });
      const file = join(home, "data", "Machine", "settings.json");
      const settings = JSON.parse(readFileSync(file, "utf8"));
      writeFileSync(file, JSON.stringify({ ...settings, "codriver.serverPath": bad }));
      const toast = page.locator(".notification-toast", { hasText: "the moon is in the wrong phase" });
      await toast.waitFor({ timeout: 120_000 });
      const words = (await toast.innerText()).split("\n").find((line) => line.includes("moon"));
      await until("a warning", async () => (await person.status()).includes("stopped"));
      writeFileSync(file, JSON.stringify(settings));
      await running();
      return words;
    }],

    ["nothing was written that was not saved", () => {
      must(saved() === sample.replace("values == None", "values is None"), saved());
    }],
  ];
}
