import { type Command, Argument } from "commander";
import { type Reader, READERS } from "@stakebts/core/config/settings";
import { ConfigError, readEnvironment, shown } from "@stakebts/core/config/environment";
import { describeSettings } from "@stakebts/core/config/describe-settings";
import { PROCESS_SETTINGS, type ProcessName } from "@stakebts/core/config/process-settings";
import { column } from "@stakebts/core/operators/columns";
import type { Context, Run } from "../context.ts";
import { EXIT } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { printJson, printTable } from "../print.ts";

const PROCESSES = Object.keys(PROCESS_SETTINGS) as ProcessName[];
const processArgument = (): Argument => new Argument("[process]", "of this process only").choices(PROCESSES);

type Checked =
  | { readonly ok: true; readonly settings: Record<string, string> }
  | { readonly ok: false; readonly message: string };

export function addConfig(program: Command, run: Run): void {
  const config = program
    .command("config")
    .description("The settings of each process: are they complete and right, and how are they understood?");
  config
    .command("check")
    .addArgument(processArgument())
    .description("Check the environment as each process would when it starts. Exit code 78 if one would not.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Each process has an environment of its own: the payer's keys have no business in the scheduler's. Check each with the
file it is started with.
${examples(["config check payer --settings payer.env", "would the payer start with this?"], ["config check", "all of them in this environment"])}`,
    )
    .action(
      run(async (context, process: ProcessName | undefined, options: { json: boolean }) => {
        const found = check(context, process);
        if (options.json) printJson(context.terminal, Object.fromEntries(found));
        else
          for (const [name, result] of found) {
            const { paint } = context.terminal;
            context.terminal.out(
              result.ok
                ? `${paint("green", "ok")}       ${name}`
                : `${paint("red", "problem")}  ${name}: ${result.message}`,
            );
          }
        return found.every(([, result]) => result.ok) ? EXIT.ok : EXIT.configuration;
      }),
    );
  config
    .command("show")
    .addArgument(processArgument())
    .description("Show the settings as they are understood, defaults included, secrets hidden.")
    .addOption(jsonOption())
    .addHelpText("after", examples(["config show scheduler", "what is it set to?"]))
    .action(
      run(async (context, process: ProcessName | undefined, options: { json: boolean }) => {
        const { terminal } = context;
        const found = check(context, process);
        if (options.json) printJson(terminal, Object.fromEntries(found));
        else
          for (const [name, result] of found) {
            terminal.out(terminal.paint("bold", name));
            if (result.ok)
              printTable(
                terminal,
                {
                  setting: column.text<[string, string]>("Setting", ([setting]) => setting),
                  value: column.text<[string, string]>("Value", ([, value]) => value),
                },
                Object.entries(result.settings).toSorted(([a], [b]) => (a < b ? -1 : 1)),
              );
            else terminal.out(result.message);
            terminal.out("");
          }
        return found.every(([, result]) => result.ok) ? EXIT.ok : EXIT.configuration;
      }),
    );
  config
    .command("list")
    .addArgument(
      new Argument("[reader]", "those that this process reads, or `stakebts`, or `compose`").choices(READERS),
    )
    .description("List the settings that there are: what each is, who reads it, and what holds without it.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(["config list payer", "what can be set?"], ["config list --json", "all, with examples"]),
    )
    .action(
      run(async ({ terminal }, reader: Reader | undefined, options: { json: boolean }) => {
        const settings = describeSettings()
          .filter(({ readers }) => reader === undefined || readers.includes(reader))
          .map((setting) => ({
            ...setting,
            sentence: plain(setting.sentence),
            otherwise: plain(setting.otherwise),
          }));
        if (options.json) printJson(terminal, { settings });
        else
          for (const { name, readers, secret, otherwise, sentence, example } of settings) {
            terminal.out(`${terminal.paint("bold", name)}${secret ? " (secret)" : ""}`);
            terminal.out(`  ${sentence}.`);
            terminal.out(`  read by: ${readers.join(", ")}; without it: ${otherwise}; example: ${example}`);
          }
        return EXIT.ok;
      }),
    );
}

/** Without the marks and the links of Markdown. */
const plain = (text: string): string =>
  text
    .replace(/\s*\(\[[^\]]*\]\([^)]*\)\)/gu, "")
    .replace(/\[([^\]]*)\]\([^)]*\)/gu, "$1")
    .replaceAll("`", "");

const check = (
  { environment }: Context,
  process: ProcessName | undefined,
): readonly (readonly [ProcessName, Checked])[] =>
  (process === undefined ? PROCESSES : [process]).map((name) => {
    try {
      return [name, { ok: true, settings: shown(readEnvironment(PROCESS_SETTINGS[name], environment)) }];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return [name, { ok: false, message: error.message }];
    }
  });
