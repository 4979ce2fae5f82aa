import { pino } from "pino";
import type { Log, LogFields } from "@stakebts/kernel/log";
import { type LogOutput, standardOutput } from "./log-output.ts";

/**
 * One JSON object per line, on standard output if not said otherwise. Amounts are bigint and printed as text: a JSON number
 * would be rounded.
 */
export function createLog({
  process,
  level,
  output = standardOutput(),
}: {
  process: string;
  level: string;
  output?: Pick<LogOutput, "write">;
}): Log {
  const logger = pino(
    {
      level,
      base: { process },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: "event",
    },
    output,
  );
  const write =
    (to: "debug" | "info" | "warn" | "error") =>
    (event: string, fields: LogFields = {}) =>
      logger[to](printable(fields), event);
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function printable(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, typeof value === "bigint" ? `${value}` : value]),
  );
}
