// Codriver's models in the editor's own chat, where the host has the language model chat provider API (1.104 and newer).
//
// Its types are newer than the oldest editor served here, so what is used of them is written down below.
import * as vscode from "vscode";
import { codriver } from "./cli";
import type { Connection } from "./connection";

const VENDOR = "codriver";
const CHARS_PER_TOKEN = 4;
const USUAL_INPUT = 128_000;
const USUAL_OUTPUT = 16_000;

/** What may be asked for beside single models. */
const CHOICES: readonly (readonly [id: string, name: string, tip: string])[] = [
  ["auto", "Codriver", "chooses the model for each request"],
  ["auto:quality", "Codriver: quality", "the best answer"],
  ["auto:cost", "Codriver: cost", "the cheapest that will do"],
  ["auto:speed", "Codriver: speed", "the fastest that will do"],
];

interface Information {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly version: string;
  readonly tooltip?: string;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  readonly capabilities: { readonly toolCalling: boolean; readonly imageInput: boolean };
}

interface Message {
  readonly role: number;
  readonly content: readonly unknown[];
}

interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: object;
}

interface Options {
  readonly tools?: readonly Tool[];
  readonly toolMode?: number;
  readonly modelOptions?: Readonly<Record<string, unknown>>;
}

interface Host {
  readonly lm?: { registerLanguageModelChatProvider?(vendor: string, provider: object): vscode.Disposable };
  readonly LanguageModelTextPart: new (value: string) => { readonly value: string };
  readonly LanguageModelToolCallPart: new (id: string, name: string, input: object) => { readonly callId: string; readonly name: string; readonly input: object };
  readonly LanguageModelToolResultPart: new (id: string, content: unknown[]) => { readonly callId: string; readonly content: readonly unknown[] };
}

/** One frame of a stream, as far as it is read. */
interface Chunk {
  readonly error?: { readonly message?: string };
  readonly choices?: readonly {
    readonly delta?: {
      readonly content?: string | null;
      readonly tool_calls?: readonly { readonly index: number; readonly id?: string; readonly function?: { readonly name?: string; readonly arguments?: string } }[];
    };
  }[];
}

const host = vscode as unknown as Host;

/** Registers the provider where there is such a thing. */
export function offer(connection: Connection): vscode.Disposable | undefined {
  if (typeof host.lm?.registerLanguageModelChatProvider !== "function") {
    return undefined;
  }
  const door = new Door(connection);
  return host.lm.registerLanguageModelChatProvider(VENDOR, {
    provideLanguageModelChatInformation: () => listed(door),
    provideLanguageModelChatResponse: (
      model: Information,
      messages: readonly Message[],
      options: Options,
      progress: vscode.Progress<unknown>,
      token: vscode.CancellationToken,
    ) => answered(door, model, messages, options, progress, token),
    provideTokenCount: (_model: Information, text: string | Message) =>
      Promise.resolve(Math.ceil((typeof text === "string" ? text : said(text)).length / CHARS_PER_TOKEN)),
  });
}

/** The way to the daemon's HTTP endpoint: its address by the protocol, its token by its own command line. */
class Door {
  private token: string | undefined;

  constructor(private readonly connection: Connection) {}

  /** A request with the token. Throws an Error with words for a person. */
  async ask(path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const base = this.connection.running ? (await this.connection.status.ask())?.http : undefined;
    if (!base) {
      throw new Error(this.connection.running ? "Codriver's daemon listens on no port here." : "Codriver's server is not running.");
    }
    this.token ??= await this.read();
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const response = await fetch(`${base}${path}`, {
      headers,
      ...(body && { method: "POST", body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    if (!response.ok) {
      this.token = response.status === 401 ? undefined : this.token;
      const told = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
      throw new Error(told?.error?.message ?? `Codriver answered ${response.status}.`);
    }
    return response;
  }

  private async read(): Promise<string> {
    const done = await codriver(this.connection.server, ["env", "--shell", "json"]);
    const found = done.code === 0 ? (JSON.parse(done.out) as Record<string, string>)["OPENAI_API_KEY"] : undefined;
    if (!found) {
      throw new Error(`Codriver's token cannot be read. ${done.err.trim()}`);
    }
    return found;
  }
}

async function listed(door: Door): Promise<Information[]> {
  const choices = CHOICES.map(([id, name, tooltip]) => information(id, name, tooltip));
  try {
    const page = (await (await door.ask("/v1/models")).json()) as { data: { id: string; owned_by: string; context_window?: number; max_output_tokens?: number }[] };
    const models = page.data.filter((model) => model.id !== "auto");
    return [...choices, ...models.map((model) => information(model.id, model.id, model.owned_by, model.context_window, model.max_output_tokens))];
  } catch {
    return []; // no server, no models: asked again when the person opens the list
  }
}

function information(id: string, name: string, tooltip: string, window = USUAL_INPUT, output = USUAL_OUTPUT): Information {
  return {
    id,
    name,
    family: id.split("/").pop() ?? id,
    version: "1",
    tooltip,
    maxInputTokens: Math.max(1_000, window - output),
    maxOutputTokens: output,
    capabilities: { toolCalling: true, imageInput: false },
  };
}

async function answered(
  door: Door,
  model: Information,
  messages: readonly Message[],
  options: Options,
  progress: vscode.Progress<unknown>,
  token: vscode.CancellationToken,
): Promise<void> {
  const stopping = new AbortController();
  const cancelling = token.onCancellationRequested(() => stopping.abort());
  const tools = options.tools?.map(({ name, description, inputSchema }) => ({
    type: "function",
    function: { name, description, parameters: inputSchema ?? { type: "object", properties: {} } },
  }));
  const REQUIRED = 2; // LanguageModelChatToolMode
  const body = {
    ...options.modelOptions,
    model: model.id,
    stream: true,
    messages: messages.flatMap(wired),
    ...(tools?.length && { tools, tool_choice: options.toolMode === REQUIRED ? "required" : "auto" }),
  };
  try {
    const response = await door.ask("/v1/chat/completions", body, stopping.signal);
    await relayed(response, progress);
  } finally {
    cancelling.dispose();
  }
}

/** Passes text on as it comes, and tool calls when they are whole. */
async function relayed(response: Response, progress: vscode.Progress<unknown>): Promise<void> {
  const calls = new Map<number, { id: string; name: string; input: string }>();
  for await (const chunk of frames(response)) {
    if (chunk.error) {
      throw new Error(chunk.error.message ?? "The answer broke off.");
    }
    const delta = chunk.choices?.[0]?.delta;
    if (delta?.content) {
      progress.report(new host.LanguageModelTextPart(delta.content));
    }
    for (const part of delta?.tool_calls ?? []) {
      const call = calls.get(part.index) ?? { id: "", name: "", input: "" };
      call.id ||= part.id ?? "";
      call.name ||= part.function?.name ?? "";
      call.input += part.function?.arguments ?? "";
      calls.set(part.index, call);
    }
  }
  for (const call of calls.values()) {
    progress.report(new host.LanguageModelToolCallPart(call.id, call.name, JSON.parse(call.input || "{}") as object));
  }
}

/** The frames of a server-sent stream, up to its end. */
async function* frames(response: Response): AsyncGenerator<Chunk> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const data = line.startsWith("data:") ? line.slice(5).trim() : "";
      if (data && data !== "[DONE]") {
        yield JSON.parse(data) as Chunk;
      }
    }
  }
}

/** One message of the editor's as those of the wire: results of tools are messages of their own there. */
function wired(message: Message): object[] {
  const ASSISTANT = 2; // LanguageModelChatMessageRole
  const results = message.content.filter((part) => part instanceof host.LanguageModelToolResultPart);
  const calls = message.content.filter((part) => part instanceof host.LanguageModelToolCallPart);
  const text = said(message);
  const told = results.map((part) => ({ role: "tool", tool_call_id: part.callId, content: texts(part.content) }));
  if (message.role !== ASSISTANT) {
    return [...told, ...(text ? [{ role: "user", content: text }] : [])];
  }
  const asked = calls.map((part) => ({ id: part.callId, type: "function", function: { name: part.name, arguments: JSON.stringify(part.input) } }));
  return [{ role: "assistant", content: text || null, ...(asked.length > 0 && { tool_calls: asked }) }];
}

function said(message: Message): string {
  return texts(message.content);
}

function texts(parts: readonly unknown[]): string {
  return parts.filter((part) => part instanceof host.LanguageModelTextPart).map((part) => part.value).join("");
}
