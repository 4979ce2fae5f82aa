import type { Command } from "commander";
import { buildProgram, runCommandLine } from "../../apps/cli/src/program.ts";
import { EXIT } from "../../apps/cli/src/exit.ts";
import { NoAnswer, type Terminal } from "../../apps/cli/src/terminal.ts";
import { HOSTILE_TEXTS, longText, mutateText } from "../mutate.ts";
import { rule, type Target } from "../target.ts";

/** Commands that would write a file. */
const WRITES = new Set(["keys", "backup", "restore", "--out", "-o"]);
const SECRET_WORD = "fuzzsecret";
const VALUES = [
  "alice",
  "1",
  "0",
  "50",
  "2026",
  "48h",
  "30d",
  "failed,held",
  "reward:1:2:3:4",
  "1:2:3",
  "--",
  "-",
];

/** Without a database and without nodes there is nothing that a command could do. */
const ENVIRONMENT = {
  DATABASE_URL: `mysql://user:${SECRET_WORD}@host/db`,
  STAKEBTS_NODES: `http://user:${SECRET_WORD}@host`,
  STAKEBTS_ACTIVE_KEY: SECRET_WORD,
  USER: "fuzz",
};

interface Words {
  readonly commands: readonly (readonly string[])[];
  readonly options: readonly string[];
}

function wordsOf(program: Command): Words {
  const commands: string[][] = [];
  const options = new Set<string>(["--help", "--version", "--settings"]);
  const walk = (command: Command, path: readonly string[]): void => {
    for (const { long, short } of command.options)
      for (const flag of [long, short]) if (typeof flag === "string") options.add(flag);
    if (path.length > 0) commands.push([...path]);
    for (const child of command.commands) walk(child, [...path, child.name()]);
  };
  walk(program, []);
  return { commands, options: [...options] };
}

function terminalTo(said: string[]): Terminal {
  const say = (text: string): void => void said.push(text);
  const noAnswer = (): Promise<never> => Promise.reject(new NoAnswer("no answer"));
  return {
    out: say,
    write: async (text) => say(text),
    note: say,
    paint: (_, text) => text,
    isInteractive: false,
    ask: noAnswer,
    askSecret: noAnswer,
  };
}

export const cli: Target = {
  name: "cli",
  about: "arguments of the command stakebts, in this process, with nothing to act upon",
  weight: 1,
  async open() {
    const run = () => async () => {};
    const { commands, options } = wordsOf(await buildProgram(run, terminalTo([])));
    return {
      input(random) {
        const args = random.chance(0.9) ? [...random.pick(commands)] : [];
        for (let more = random.int(0, 4); more > 0; more--) {
          const option = random.pick(options);
          const value = random.chance(0.6)
            ? random.pick(VALUES)
            : random.chance(0.02)
              ? longText(random)
              : mutateText(random, random.pick([...VALUES, ...HOSTILE_TEXTS]), VALUES);
          args.push(...random.pick([[option], [option, value], [`${option}=${value}`], [value]]));
        }
        if (random.chance(0.1) && args.length > 0) args[0] = mutateText(random, args[0] ?? "");
        // No real file is read or written: a path stays a name that does not exist.
        return args.map((word) => word.replace(/[/\\~]/gu, "_").replace(/^\.+$/u, "_"));
      },
      async run(input) {
        const args = input as readonly string[];
        if (args.some((word) => WRITES.has(word.split("=")[0] ?? ""))) return;
        const said: string[] = [];
        const code = await runCommandLine(args, { terminal: terminalTo(said), environment: ENVIRONMENT });
        const text = said.join("\n");
        rule(Object.values(EXIT).includes(code), `exit code ${String(code)}`);
        rule(code !== EXIT.broken, `it broke: ${text.slice(0, 400)}`);
        rule(!text.includes(SECRET_WORD), "it has told a secret");
        if (code === EXIT.usage || code === EXIT.configuration)
          rule(text.trim() !== "", "it says no word of what is wrong");
      },
    };
  },
};
