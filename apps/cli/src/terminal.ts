import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { styleText } from "node:util";
import type { OnProgress } from "@stakebts/core/imports/import-refused";
import type { HostClock } from "@stakebts/kernel/clock";
import { durationText } from "@stakebts/kernel/text";
import { SECOND_MS } from "@stakebts/kernel/time";

export type Style = "red" | "green" | "yellow" | "bold" | "dim";

/** What a command sees of the world: text out, questions in. Answers go to standard output, everything else to the other. */
export interface Terminal {
  /** One line of the answer. */
  readonly out: (line: string) => void;
  /** Without a line break. Resolves when the reader has taken it. */
  readonly write: (text: string) => Promise<void>;
  /** Remarks, questions and problems. */
  readonly note: (line: string) => void;
  /** In the place of what it said last, where it can: on a terminal. */
  readonly rewrite?: ((line: string) => void) | undefined;
  /** Coloured on a terminal, plain in a file or a pipe. */
  readonly paint: (style: Style, text: string) => string;
  /** A person is there to be asked. */
  readonly isInteractive: boolean;
  readonly ask: (question: string) => Promise<string>;
  /** What is typed is not shown. */
  readonly askSecret: (question: string) => Promise<string>;
}

/** The question was not answered: Ctrl-C, Ctrl-D or a closed terminal. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

export function systemTerminal(wantsColour: boolean): Terminal {
  const { stdin, stdout, stderr } = process;
  const isInteractive = stdin.isTTY && stderr.isTTY;
  // The reader of our output may stop reading (`| head`). That is no failure.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return {
    out: (line) => void stdout.write(`${line}\n`),
    write: (text) =>
      new Promise((resolve, reject) => stdout.write(text, (error) => (error ? reject(error) : resolve()))),
    note: (line) => void stderr.write(`${line}\n`),
    rewrite: stderr.isTTY ? (line) => void stderr.write(`\r\u001B[K${line}`) : undefined,
    paint: (style, text) =>
      wantsColour && stdout.isTTY ? styleText(style, text, { validateStream: false }) : text,
    isInteractive,
    ask: (question) => ask(question, stderr),
    askSecret: async (question) => {
      stderr.write(question);
      const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
      try {
        return await ask("", nowhere);
      } finally {
        stderr.write("\n");
      }
    },
  };
}

function ask(question: string, output: NodeJS.WritableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: process.stdin, output, terminal: true });
    lines.once("close", () => reject(new NoAnswer("no answer")));
    lines.once("SIGINT", () => lines.close());
    lines.question(question, (answer) => {
      resolve(answer.trim());
      lines.close();
    });
  });
}

const REWRITE_MS = 200;
/** A file or a pipe gets a line now and then. */
const LINE_MS = 10_000;

/** Says how far a long piece of work is, how fast it goes and when it will be done. Work of a moment goes unmentioned. */
export function progressOf(
  {
    terminal,
    clock,
  }: { readonly terminal: Pick<Terminal, "note" | "rewrite">; readonly clock: Pick<HostClock, "nowMs"> },
  what: string,
): { readonly onProgress: OnProgress; readonly end: () => void } {
  const startMs = clock.nowMs();
  let saidMs = startMs;
  let said = false;
  return {
    onProgress: (done, total) => {
      const nowMs = clock.nowMs();
      if (nowMs - saidMs < (terminal.rewrite === undefined ? LINE_MS : REWRITE_MS)) return;
      saidMs = nowMs;
      said = true;
      (terminal.rewrite ?? terminal.note)(progressLine(what, { done, total, elapsedMs: nowMs - startMs }));
    },
    end: () => {
      if (said) terminal.rewrite?.("");
    },
  };
}

/** `blocks: 12000 of 50000 (24 %), 800/s, 48 s left` */
export function progressLine(
  what: string,
  { done, total, elapsedMs }: { readonly done: number; readonly total: number; readonly elapsedMs: number },
): string {
  const perSecond = done / (Math.max(1, elapsedMs) / 1_000);
  const share = total === 0 ? 100 : Math.floor((done / total) * 100);
  const left = done === 0 ? "" : `, ${durationText(((total - done) / perSecond) * SECOND_MS)} left`;
  return `${what}: ${done} of ${total} (${share} %), ${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s${left}`;
}
