// Providers' keys: kept in the editor's secret storage, handed to the daemon by the protocol, written nowhere else.
import * as vscode from "vscode";
import type { Log } from "./log";

const NAMES = "keys"; // which providers have one: names are no secret, and the storage cannot list them

/** A provider that takes a key. */
export interface Provider {
  readonly name: string;
  readonly title: string;
  readonly where: string;
}

/** Those most people have a key of; any other by its name. */
const PROVIDERS: readonly Provider[] = [
  { name: "anthropic", title: "Anthropic", where: "console.anthropic.com" },
  { name: "openai", title: "OpenAI", where: "platform.openai.com" },
  { name: "google", title: "Google Gemini", where: "aistudio.google.com" },
  { name: "mistral", title: "Mistral", where: "console.mistral.ai" },
  { name: "codestral", title: "Codestral (completions)", where: "console.mistral.ai" },
  { name: "deepseek", title: "DeepSeek", where: "platform.deepseek.com" },
  { name: "openrouter", title: "OpenRouter", where: "openrouter.ai" },
  { name: "groq", title: "Groq", where: "console.groq.com" },
];

export class Keys {
  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: Log,
  ) {}

  /** All keys by provider, for the server's first message; from then on the log shows none of them. */
  async all(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const name of this.names()) {
      const key = await this.context.secrets.get(secret(name));
      if (key) {
        found[name] = key;
      }
    }
    this.log.redact(Object.values(found));
    return found;
  }

  /** Asks for a provider and its key; true when one was stored or taken away. */
  async ask(): Promise<boolean> {
    const provider = await this.provider();
    if (!provider) {
      return false;
    }
    const key = await vscode.window.showInputBox({
      title: `Codriver: key of ${provider.title}`,
      prompt: `From ${provider.where}. Kept in the editor's secret storage; empty takes it away.`,
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) => (/^[\x21-\x7e]*$/.test(text.trim()) ? undefined : "A key has no blanks and no other letters than ASCII."),
    });
    if (key === undefined) {
      return false;
    }
    await this.keep(provider.name, key.trim());
    return true;
  }

  private async provider(): Promise<Provider | undefined> {
    const held = this.names();
    const others = held.filter((name) => !PROVIDERS.some((known) => known.name === name));
    const known = [...PROVIDERS, ...others.map((name) => ({ name, title: name, where: "its console" }))];
    const items = known.map((provider) => ({
      label: provider.title,
      description: held.includes(provider.name) ? "$(key) has a key" : provider.where,
      provider,
    }));
    const chosen = await vscode.window.showQuickPick([...items, { label: "Another provider...", description: "by its name in `codriver models --all`", provider: undefined }], {
      title: "Codriver: whose key?",
    });
    if (!chosen || chosen.provider) {
      return chosen?.provider;
    }
    const name = await vscode.window.showInputBox({ title: "Codriver: the provider's name", validateInput: (text) => (/^[\w.-]+$/.test(text) ? undefined : "A name such as together or xai") });
    return name ? { name, title: name, where: "its console" } : undefined;
  }

  private async keep(name: string, key: string): Promise<void> {
    const rest = this.names().filter((one) => one !== name);
    if (key) {
      await this.context.secrets.store(secret(name), key);
    } else {
      await this.context.secrets.delete(secret(name));
    }
    await this.context.globalState.update(NAMES, key ? [...rest, name] : rest);
  }

  private names(): readonly string[] {
    return this.context.globalState.get<string[]>(NAMES, []);
  }
}

function secret(name: string): string {
  return `codriver.key.${name}`;
}
