// Every command package.json contributes, by its id; and the menu behind the status bar.
//
// The editor's command ids differ from the server's: the language client registers those itself,
// for code actions, lenses and accepted suggestions.
import * as vscode from "vscode";
import { ask } from "./asking";
import { told } from "./cli";
import type { Dashboard } from "./dashboard";
import type { Suggestions } from "./inline";
import type { Keys } from "./keys";
import * as tasks from "./tasks";

/** All that commands act on. */
export interface Whole extends tasks.Desk {
  readonly keys: Keys;
  readonly suggestions: Suggestions;
  readonly dashboard: Dashboard;
}

const STRATEGIES: readonly (readonly [name: string, meaning: string])[] = [
  ["auto", "good enough, for the least money and waiting"],
  ["quality", "the best answer"],
  ["balanced", "quality, cost and speed alike"],
  ["cost", "the cheapest that will do"],
  ["speed", "the fastest that will do"],
  ["fuse", "several answers, and the best of them"],
];

const PAUSES: readonly (readonly [label: string, minutes: number | undefined])[] = [
  ["For 10 minutes", 10],
  ["For an hour", 60],
  ["Until I resume", undefined],
];

const SAMPLE = 'def mean(values):\n    """The arithmetic mean of some numbers."""\n    total = sum(values)\n    return total / len(values)\n\n\ndef median(values):\n    ordered = sorted(values)\n    ';

async function strategy({ connection }: Whole): Promise<void> {
  const now = connection.status.last?.strategy;
  const items = STRATEGIES.map(([label, detail]) => ({ label, detail, description: label === now ? "$(check) now" : "" }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Codriver: how models are chosen, for all editors and agents" });
  if (chosen) {
    await vscode.workspace.getConfiguration("codriver").update("routing.strategy", chosen.label, vscode.ConfigurationTarget.Global);
  }
}

async function pause({ connection }: Whole): Promise<void> {
  const items = PAUSES.map(([label, minutes]) => ({ label, minutes }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Codriver: pause suggestions while typing" });
  if (chosen) {
    connection.status.pause(chosen.minutes);
  }
}

async function explainLast({ connection, pages }: Whole): Promise<void> {
  const found = await ask<object | null>(connection.client, "codriver.explainLast");
  if (found === null) {
    void vscode.window.showInformationMessage("Codriver has decided nothing yet.");
  } else if (found !== undefined) {
    await pages.open("/last decision.json", `${JSON.stringify(found, null, 2)}\n`);
  }
}

/** One word on the last answer, whatever it was. */
async function judge({ connection }: Whole, word: "up" | "down"): Promise<void> {
  const found = await ask<{ decision?: { id?: string } } | null>(connection.client, "codriver.explainLast");
  const decision = found?.decision?.id;
  if (decision === undefined) {
    void vscode.window.showInformationMessage("Codriver has answered nothing yet.");
    return;
  }
  await ask(connection.client, "codriver.feedback", { decision, word });
  vscode.window.setStatusBarMessage("Codriver: thank you, it counts.", 5_000);
}

async function doctor({ connection, pages }: Whole): Promise<void> {
  const report = await told(connection.server, ["doctor", "--json"]);
  if (report !== undefined) {
    const checks = JSON.parse(report) as { name: string; verdict: string; text: string; remedy: string }[];
    const lines = checks.map(({ name, verdict, text, remedy }) => `${verdict.padEnd(5)} ${name.padEnd(12)} ${text}${remedy ? `\n${" ".repeat(19)}${remedy}` : ""}`);
    await pages.open("/doctor.txt", `${lines.join("\n")}\n`);
  }
}

interface Client {
  readonly name: string;
  readonly title: string;
  readonly found: boolean;
  readonly connected: string;
  readonly files: readonly string[];
}

/** Points an agent here by its own settings: what would change is shown first. */
async function connectAgent({ connection, pages }: Whole): Promise<void> {
  const list = await told(connection.server, ["connect", "--json"]);
  const items = ((list ? JSON.parse(list) : []) as Client[])
    .sort((one, other) => Number(other.found) - Number(one.found))
    .map((client) => ({
      label: client.title,
      description: client.connected === "yes" ? "$(check) connected" : client.found ? "found here" : "",
      detail: client.files.join(", "),
      client,
    }));
  const chosen = items.length > 0 ? await vscode.window.showQuickPick(items, { title: "Codriver: connect an agent", matchOnDetail: true }) : undefined;
  const name = chosen?.client.name;
  const undo = chosen?.client.connected === "yes" ? ["--undo"] : [];
  const change = name === undefined ? undefined : await told(connection.server, ["connect", name, ...undo, "--dry-run"]);
  if (name === undefined || change === undefined) {
    return;
  }
  await pages.open(`/${name}.diff`, change);
  if (chosen?.client.files.length === 0 || !/^[+-]/m.test(change)) {
    return; // what to set by hand, or nothing to do
  }
  const act = undo.length > 0 ? "Disconnect" : "Connect";
  const choice = await vscode.window.showInformationMessage(`${act} ${chosen?.label} so?`, { modal: true, detail: change.slice(0, 1_500) }, act);
  const done = choice === act ? await told(connection.server, ["connect", name, ...undo, "--yes"]) : undefined;
  if (done !== undefined) {
    void vscode.window.showInformationMessage(`Codriver: ${done.trim().split("\n").slice(-2).join(" ")}`);
  }
}

/** A document to try suggestions in. */
async function tryIt(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: "python", content: SAMPLE });
  const editor = await vscode.window.showTextDocument(document);
  const end = document.positionAt(SAMPLE.length);
  editor.selection = new vscode.Selection(end, end);
  await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
}

const MENU: readonly (readonly [label: string, command: string])[] = [
  ["$(settings) Strategy...", "codriver.strategy"],
  ["$(debug-pause) Pause suggestions...", "codriver.pause"],
  ["$(play) Resume suggestions", "codriver.resume"],
  ["$(dashboard) Dashboard", "codriver.openDashboard"],
  ["$(question) Explain last decision", "codriver.explainLastDecision"],
  ["$(thumbsup) The last answer was good", "codriver.goodAnswer"],
  ["$(thumbsdown) The last answer was bad", "codriver.badAnswer"],
  ["$(plug) Connect an agent...", "codriver.connectAgent"],
  ["$(key) Keys of providers...", "codriver.setKey"],
  ["$(pulse) Doctor", "codriver.doctor"],
  ["$(output) Show log", "codriver.showLog"],
  ["$(refresh) Restart server", "codriver.restartServer"],
  ["$(gear) Settings", "codriver.openSettings"],
];

async function menu({ connection }: Whole): Promise<void> {
  const absent = connection.status.paused ? "codriver.pause" : "codriver.resume";
  const rows = connection.server === undefined ? [["$(cloud-download) Install the server", "codriver.installServer"] as const, ...MENU] : MENU;
  const items = rows.filter(([, command]) => command !== absent).map(([label, command]) => ({ label, command }));
  const now = connection.status.last;
  const chosen = await vscode.window.showQuickPick(items, { title: now?.strategy ? `Codriver: ${now.strategy}` : "Codriver" });
  if (chosen) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

/** Every command package.json contributes, by its id. */
export const COMMANDS: Readonly<Record<string, (whole: Whole, argument?: unknown) => unknown>> = {
  "codriver.refactorSelection": (whole) => tasks.refactor(whole),
  "codriver.reviewCode": (whole) => tasks.review(whole),
  "codriver.reviewChanges": (whole) => tasks.reviewChanges(whole),
  "codriver.explainCode": (whole) => tasks.explain(whole),
  "codriver.documentCode": (whole) => tasks.documented(whole),
  "codriver.writeTests": (whole) => tasks.tests(whole),
  "codriver.fixProblem": (whole) => tasks.fix(whole),
  "codriver.suggestBetterNames": (whole) => tasks.names(whole),
  "codriver.writeCommitMessage": tasks.commitMessage,
  "codriver.clearFindings": ({ connection }) => ask(connection.client, "codriver.clearReview"),
  "codriver.fixFinding": ({ threads }, thread) => threads.fix(thread as vscode.CommentThread),
  "codriver.dismissFinding": ({ threads }, thread) => threads.dismiss(thread as vscode.CommentThread),
  "codriver.applyProposal": ({ preview }) => preview.decide(true),
  "codriver.discardProposal": ({ preview }) => preview.decide(false),
  "codriver.dismissSuggestion": ({ suggestions }) => suggestions.dismiss(),
  "codriver.explainLastDecision": explainLast,
  "codriver.goodAnswer": (whole) => judge(whole, "up"),
  "codriver.badAnswer": (whole) => judge(whole, "down"),
  "codriver.strategy": strategy,
  "codriver.pause": pause,
  "codriver.resume": ({ connection }) => connection.status.pause(0),
  "codriver.openDashboard": ({ dashboard }) => dashboard.open(),
  "codriver.connectAgent": connectAgent,
  "codriver.setKey": async ({ keys, connection }) => (await keys.ask()) && connection.again(),
  "codriver.doctor": doctor,
  "codriver.installServer": ({ connection }) => connection.install(),
  "codriver.tryIt": tryIt,
  "codriver.gettingStarted": () => vscode.commands.executeCommand("workbench.action.openWalkthrough", "codriver.codriver#start", false),
  "codriver.restartServer": ({ connection }) => connection.again(),
  "codriver.showLog": ({ connection }) => connection.log.show(),
  "codriver.openSettings": () => vscode.commands.executeCommand("workbench.action.openSettings", "@ext:codriver.codriver"),
  "codriver.menu": menu,
};
