import { InvalidArgumentError, Option } from "commander";
import type { Window } from "@stakebts/core/ledger/view";

// How options are written and read, the same everywhere.

const DEFAULT_LIMIT = 50;

const whole = (text: string): number => {
  if (!/^[0-9]{1,9}$/u.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
};

export const limitOption = (): Option =>
  new Option("-n, --limit <count>", "how many to show; 0 for all").default(DEFAULT_LIMIT).argParser(whole);
export const offsetOption = (): Option =>
  new Option("--offset <count>", "how many to pass over").default(0).argParser(whole);
export const jsonOption = (): Option =>
  new Option("--json", "as JSON: amounts as text, times in milliseconds since 1970 (UTC)").default(false);

export const windowOf = (options: { limit: number; offset: number }): Window => ({
  limit: options.limit === 0 ? undefined : options.limit,
  offset: options.offset,
});

/** `--status failed,held`: one or more of a closed set. */
export const listOption = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, `${description}: ${choices.join(", ")} (several with commas)`).argParser(
    (text: string) => {
      const items = text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
      const unknown = items.find((item) => !choices.includes(item));
      if (unknown !== undefined || items.length === 0)
        throw new InvalidArgumentError(`Expected one or more of ${choices.join(", ")}.`);
      return items;
    },
  );

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `2026-11-23`, `2026-11-23T14:00Z`, or a time before or after now: `48h`, `30d`. */
export function parseWhen(text: string, direction: "past" | "future", nowMs: number): number {
  const span = /^(\d{1,6})([mhd])$/u.exec(text);
  if (span !== null) {
    const ms = Number(span[1]) * UNITS_MS[span[2] as keyof typeof UNITS_MS];
    return direction === "past" ? nowMs - ms : nowMs + ms;
  }
  const withZone = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?Z?)?$/u.exec(text);
  const ms =
    withZone === null ? Number.NaN : Date.parse(text.length > 10 && !text.endsWith("Z") ? `${text}Z` : text);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError("Expected a date such as 2026-11-23 (UTC), or a span such as 48h or 30d.");
  return ms;
}

export const whenOption = (flags: string, description: string, direction: "past" | "future"): Option =>
  new Option(flags, `${description}: a date (UTC) or a span such as 48h or 30d`).argParser((text: string) => {
    parseWhen(text, direction, 0); // Checked now, reckoned when the command knows what time it is.
    return text;
  });

export const actorOption = (): Option =>
  new Option("--actor <name>", "who does this, for the receipt (default: $STAKEBTS_ACTOR, then $USER)");
export const reasonOption = (): Option =>
  new Option("--reason <text>", "why, for the receipt; asked for on a terminal when it is missing");

export const examples = (...lines: readonly (readonly [command: string, meaning: string])[]): string => {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, meaning]) => `  $ stakebts ${command.padEnd(width)}   ${meaning}`).join("\n")}\n`;
};
