// Other programs: run to their end with what they say, line by line, and ended when nobody wants them any more.
import { spawn } from "node:child_process";
import type { CancellationToken } from "vscode";

/** How a program ended. code: null when it was ended or could not start. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Wish {
  readonly timeout?: number;
  readonly token?: CancellationToken;
  readonly said?: (line: string) => void;
  readonly input?: string;
}

/** Runs a program without a shell, in a folder where nothing of a workspace can be imported. Never rejects. */
export function run(program: string, args: readonly string[], wish: Wish = {}): Promise<Ended> {
  return new Promise((resolve) => {
    let out = "";
    let err = "";
    const child = spawn(program, args, { cwd: __dirname, windowsHide: true, env: environment() });
    const timer = wish.timeout === undefined ? undefined : setTimeout(() => child.kill(), wish.timeout);
    const cancelling = wish.token?.onCancellationRequested(() => child.kill());
    const end = (code: number | null) => {
      clearTimeout(timer);
      cancelling?.dispose();
      resolve({ code, out, err });
    };
    const hear = (chunk: Buffer, keep: (text: string) => void) => {
      const text = chunk.toString();
      keep(text);
      text.split(/[\r\n]+/).filter((line) => line.trim()).forEach((line) => wish.said?.(line.trim()));
    };
    child.stdout.on("data", (chunk: Buffer) => hear(chunk, (text) => (out += text)));
    child.stderr.on("data", (chunk: Buffer) => hear(chunk, (text) => (err += text)));
    child.on("error", (problem) => {
      err += problem.message;
      end(null);
    });
    child.on("close", end);
    child.stdin.on("error", () => undefined); // it may end before it reads
    child.stdin.end(wish.input ?? "");
  });
}

/** Ours, without what would make a Python look elsewhere. */
export function environment(): NodeJS.ProcessEnv {
  const { PYTHONHOME: _home, PYTHONPATH: _path, ...rest } = process.env;
  return { ...rest, PYTHONUNBUFFERED: "1" };
}
