// The server's own command line, for what is not the protocol's: settings, checks, agents, the token.
import * as vscode from "vscode";
import { type Ended, run } from "./child";
import type { Server } from "./server";

const LONG_MS = 60_000;

/** Runs `codriver` with these arguments; its output is UTF-8 and has no colours. */
export async function codriver(server: Server | undefined, args: readonly string[], input?: string): Promise<Ended> {
  if (server === undefined) {
    return { code: null, out: "", err: "Codriver's server is not installed." };
  }
  return run(server.program, [...server.prefix, ...args], { timeout: LONG_MS, ...(input !== undefined && { input }) });
}

/** Its output, or undefined after telling the person what went wrong. */
export async function told(server: Server | undefined, args: readonly string[]): Promise<string | undefined> {
  const done = await codriver(server, args);
  if (done.code === 0) {
    return done.out;
  }
  const words = done.err.trim().split("\n").pop()?.replace(/^codriver: /, "") || `codriver ${args[0]} failed`;
  void vscode.window.showErrorMessage(`Codriver: ${words}`);
  return undefined;
}
