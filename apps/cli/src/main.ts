import { runCommandLine } from "./program.ts";
import { environmentOf, wantsColour } from "./config.ts";
import { systemTerminal } from "./terminal.ts";

const environment = environmentOf(undefined);
const terminal = systemTerminal(wantsColour(environment));

process.exitCode = await runCommandLine(process.argv.slice(2), { terminal, environment });
