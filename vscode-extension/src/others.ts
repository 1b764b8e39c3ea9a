// Others who suggest while one types. Two grey texts at once are worse than one: we step back, and say so once.
import * as vscode from "vscode";

/** An extension with suggestions of its own; `enabled` is its setting by language, where it has one. */
interface Other {
  readonly id: string;
  readonly name: string;
  readonly enabled?: string;
}

const OTHERS: readonly Other[] = [
  { id: "github.copilot", name: "GitHub Copilot", enabled: "github.copilot.enable" },
  { id: "github.copilot-chat", name: "GitHub Copilot", enabled: "github.copilot.enable" },
  { id: "tabnine.tabnine-vscode", name: "Tabnine" },
  { id: "codeium.codeium", name: "Windsurf" },
  { id: "supermaven.supermaven", name: "Supermaven" },
  { id: "continue.continue", name: "Continue", enabled: "continue.enableTabAutocomplete" },
  { id: "tabbyml.vscode-tabby", name: "Tabby" },
  { id: "amazonwebservices.amazon-q-vscode", name: "Amazon Q" },
  { id: "rjmacarthy.twinny", name: "twinny" },
  { id: "ggml-org.llama-vscode", name: "llama.vscode" },
];

const TOLD = "others.told";

/** Who suggests here beside us, or undefined. `read` gives a setting's value, `active` whether an extension runs. */
export function beside(language: string, active: (id: string) => boolean, read: (key: string) => unknown): string | undefined {
  const found = OTHERS.find((other) => active(other.id) && on(other.enabled === undefined ? true : read(other.enabled), language));
  return found?.name;
}

/** A switch, or switches by language with "*" for the rest. What is not set is on. */
function on(value: unknown, language: string): boolean {
  if (value instanceof Object) {
    const by = value as Record<string, unknown>;
    return (by[language] ?? by["*"] ?? true) !== false;
  }
  return value !== false;
}

/** Whether this extension shall be silent unless asked, in this language. */
export class Others {
  /** Who has the word at the moment, for the status bar. */
  readonly changed = new vscode.EventEmitter<string | undefined>();
  private now: string | undefined;

  constructor(private readonly memory: vscode.Memento) {}

  silent(document: vscode.TextDocument): boolean {
    const settings = vscode.workspace.getConfiguration();
    const yields = settings.get("codriver.besideOthers") === "yield" && settings.get("chat.disableAIFeatures") !== true;
    const active = (id: string) => vscode.extensions.getExtension(id)?.isActive === true;
    const other = yields ? beside(document.languageId, active, (key) => settings.get(key)) : undefined;
    if (other !== this.now) {
      this.now = other;
      this.changed.fire(other);
    }
    if (other !== undefined) {
      void this.tell(other);
    }
    return other !== undefined;
  }

  private async tell(other: string): Promise<void> {
    if (this.memory.get(TOLD) === other) {
      return;
    }
    await this.memory.update(TOLD, other);
    const text = `${other} suggests while you type, so Codriver stays quiet unless you ask it (Trigger Inline Suggestion).`;
    if ((await vscode.window.showInformationMessage(text, "Use Codriver", "Keep it so")) === "Use Codriver") {
      await vscode.workspace.getConfiguration("codriver").update("besideOthers", "together", vscode.ConfigurationTarget.Global);
    }
  }
}
