// How a command of the server is carried out: with its progress shown, its refusals in the server's own words.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { type LanguageClient, LSPErrorCodes, ResponseError, State, WorkDoneProgress } from "vscode-languageclient/node";
import { usd } from "./status";

const SHOWN_MS = 10_000;
const QUIET: readonly number[] = [LSPErrorCodes.RequestCancelled, LSPErrorCodes.ServerCancelled];

/** What the server says of anything it had done. */
export interface Done {
  readonly model?: string;
  readonly simulated?: boolean;
  readonly cost?: number;
  readonly decision?: string;
}

/** Who did it and for how much, so that nobody takes a simulated answer for a model's. */
export function author(done: Done): string {
  const cost = done.cost ? `, ${usd(done.cost)}` : "";
  return `${done.model ?? "?"}${done.simulated ? " (simulated)" : ""}${cost}`;
}

/** A few words that need no answer. */
export function say(text: string): void {
  vscode.window.setStatusBarMessage(`Codriver: ${text}`, SHOWN_MS);
}

/** Asks without showing anything while it runs: for what takes no time. */
export async function ask<T>(client: LanguageClient | undefined, command: string, argument?: object): Promise<T | undefined> {
  if (client?.state !== State.Running) {
    void vscode.window.showWarningMessage("Codriver's server is not running.");
    return undefined;
  }
  return heard(() => client.sendRequest<T>("workspace/executeCommand", { command, arguments: argument ? [argument] : [] }));
}

/** Has the server do something that takes a while: what it does is shown, and the person may stop it. */
export async function perform<T>(
  client: LanguageClient | undefined,
  title: string,
  command: string,
  argument: object,
): Promise<T | undefined> {
  if (client?.state !== State.Running) {
    void vscode.window.showWarningMessage("Codriver's server is not running.");
    return undefined;
  }
  const options = { location: vscode.ProgressLocation.Notification, title: `Codriver: ${title}`, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    const workDoneToken = randomUUID();
    const listening = client.onProgress(WorkDoneProgress.type, workDoneToken, (news) => {
      if (news.kind !== "end" && news.message) {
        progress.report({ message: news.message });
      }
    });
    try {
      const params = { command, arguments: [argument], workDoneToken };
      return await heard(() => client.sendRequest<T>("workspace/executeCommand", params, token));
    } finally {
      listening.dispose();
    }
  });
}

/** The answer, or undefined after showing why there is none; what the person stopped needs no words. */
async function heard<T>(asked: () => Promise<T>): Promise<T | undefined> {
  try {
    return await asked();
  } catch (problem) {
    if (!(problem instanceof ResponseError && QUIET.includes(problem.code)) && !(problem instanceof vscode.CancellationError)) {
      const words = problem instanceof Error ? problem.message : String(problem);
      void vscode.window.showErrorMessage(`Codriver: ${words}`);
    }
    return undefined;
  }
}
