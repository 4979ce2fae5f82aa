import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { styleText } from "node:util";

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
  /** Somebody is there to be asked. */
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
  // Whoever reads us may stop reading (`| head`): that is an answer, and no failure.
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
