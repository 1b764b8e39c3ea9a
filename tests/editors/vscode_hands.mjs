// What a person can do in VS Code's workbench and see there, by the browser it runs in.
import { join } from "node:path";

// A quick typist. The workbench loads its inline suggestions some time after the first editor opens, and
// asks nothing for what was typed before.
const KEY_MS = 60;
const LOOK_MS = 100;
const SOON = 20_000;
const KEYS = { "\n": "Enter", " ": "Space", "\t": "Tab" };

/** Waits until something is found. Throws with what never came. */
export async function until(what, found, ms = 60_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await found();
    if (value) {
      return value;
    }
    if (Date.now() > end) {
      throw new Error(`never came: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** The hands and eyes of one person at one page. `shots`: a folder for pictures, or undefined. */
export function hands(page, shots) {
  const clean = (text) => text.replaceAll("\u00a0", " ").replaceAll("·", " ");
  const editor = ".editor-group-container.active .monaco-editor";

  /** Tries once more, from the start, what a busy machine swallowed: lists close when the focus moves late. */
  async function again(gesture) {
    for (let left = 3; ; left -= 1) {
      try {
        return await gesture();
      } catch (problem) {
        if (left === 0) {
          throw problem;
        }
        await page.keyboard.press("Escape");
      }
    }
  }

  const self = {
    page,
    async press(...keys) {
      for (const key of keys) {
        await page.keyboard.press(key, { delay: KEY_MS });
      }
    },
    async type(text) {
      for (const letter of text) {
        await page.keyboard.press(KEYS[letter] ?? letter, { delay: KEY_MS });
      }
    },
    /** Runs a command by its name in the palette. */
    async command(name) {
      await again(async () => {
        await page.keyboard.press("F1");
        await page.locator(".quick-input-widget input:visible").first().fill(`>${name}`, { timeout: SOON });
        // By its name: the first row may be another command that resembles it.
        await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${name}"]`).first().click({ timeout: SOON });
      });
    },
    /** Takes a row of a list that asks. */
    async pick(label) {
      const row = page.locator(".quick-input-list .monaco-list-row", { hasText: label }).first();
      await row.waitFor({ timeout: 60_000 });
      await row.click();
    },
    /** Fills in a box that asks. */
    async answer(text) {
      const box = page.locator(".quick-input-widget input:visible").first();
      await box.waitFor({ timeout: 60_000 });
      await box.fill(text);
      await page.keyboard.press("Enter");
    },
    async open(file) {
      await page.keyboard.press("Control+P");
      await page.locator(".quick-input-widget input").first().fill(file);
      await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${file}"]`).first().click();
      await self.tab(file);
    },
    async tab(name, ms) {
      await until(`the tab of ${name}`, () => page.locator(".tab.active", { hasText: name }).count(), ms);
    },
    /** A fresh document without a file, in a language. */
    async untitled(language) {
      const before = await page.locator(".editor-group-container.active .tab.active").allInnerTexts();
      await self.command("File: New Untitled Text File");
      await until("a fresh tab", async () => {
        const now = await page.locator(".editor-group-container.active .tab.active").allInnerTexts();
        return now.length === 1 && now[0].includes("Untitled-") && now[0] !== before[0];
      });
      await page.locator(`${editor} .view-lines`).first().waitFor();
      await again(async () => {
        await self.command("Change Language Mode");
        await page.locator(".quick-input-widget input:visible").first().fill(language, { timeout: SOON });
        await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${language}"]`).first().click({ timeout: SOON });
        const mode = page.locator('[id="status.editor.mode"]');
        await until(`the language ${language}`, async () => (await mode.innerText({ timeout: SOON })) === language, SOON);
      });
      // At the top: notices lie over what is further down.
      await page.locator(`${editor} .view-lines`).first().click({ position: { x: 200, y: 5 } });
    },
    /** What is suggested behind the cursor, "" for nothing. */
    async ghost() {
      const parts = await page.locator(`${editor} [class*="ghost-text"]`).allTextContents();
      return clean(parts.join("")).trimEnd();
    },
    /** The lines of the editor that are in view, without what is only suggested. */
    async lines() {
      const lines = await page.locator(`${editor} .view-lines .view-line`).evaluateAll((all) =>
        all
          .map((line) => {
            const copy = line.cloneNode(true);
            copy.querySelectorAll('[class*="ghost-text"]').forEach((ghost) => ghost.remove());
            return { top: parseFloat(line.style.top), text: copy.textContent ?? "" };
          })
          .sort((one, other) => one.top - other.top)
          .map(({ text }) => text),
      );
      return clean(lines.join("\n"));
    },
    async status() {
      return (await page.locator('.statusbar-item[id*="codriver"]').allInnerTexts()).join(" ").replaceAll("\u00a0", " ").trim();
    },
    /** A button of a notification with these words; clicks it. */
    async notice(words, button, ms = 60_000) {
      const shown = page.locator(".notification-toast .notification-list-item", { hasText: words }).first();
      await shown.waitFor({ timeout: ms });
      await shown.locator(".monaco-button", { hasText: button }).first().click();
    },
    async notices() {
      return page.locator(".notification-list-item-message").allInnerTexts();
    },
    /** Closes what hangs about. */
    async tidy() {
      await self.command("Notifications: Clear All Notifications");
    },
    /** A picture for the README and for whoever looks: the mouse out of the way. */
    async shot(name) {
      if (shots) {
        await page.mouse.move(5, 400);
        await page.screenshot({ path: join(shots, `${name}.png`) });
      }
    },
  };
  return self;
}
