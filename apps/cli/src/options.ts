import { InvalidArgumentError, Option } from "commander";
import { type Millis, millis } from "@stakebts/kernel/time";
import { PAYOUT_KINDS, PAYOUT_STATUSES } from "@stakebts/core/rules/payout";
import { payoutId } from "@stakebts/core/ledger/ids";
import type { Window } from "@stakebts/core/ledger/view";
import type { PayoutId, PayoutKey } from "@stakebts/core/rules/payout";
import { type OperationId, operationPosition } from "@stakebts/kernel/operation-id";

// How options are written and read, the same everywhere.

const DEFAULT_LIMIT = 50;

export const whole = (text: string): number => {
  if (!/^[0-9]{1,9}$/u.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
};

export const limitOption = (): Option =>
  new Option("-n, --limit <count>", "how many to show; 0 for all").default(DEFAULT_LIMIT).argParser(whole);
export const offsetOption = (): Option =>
  new Option("--offset <count>", "how many to pass over").default(0).argParser(whole);
export const jsonOption = (): Option =>
  new Option("--json", "as JSON: amounts as text, times in milliseconds since 1970 (UTC)").default(false);

/** Of a list that is shown page by page. */
export interface PageOptions {
  readonly limit: number;
  readonly offset: number;
  readonly json: boolean;
}
export const windowOf = (options: Pick<PageOptions, "limit" | "offset">): Window => ({
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

/** What {@link whenOption} was given for a time to come, as an instant. */
export const futureOf = (text: string | undefined, nowMs: number): Millis | undefined =>
  text === undefined ? undefined : millis(parseWhen(text, "future", nowMs));

export const whenOption = (flags: string, description: string, direction: "past" | "future"): Option =>
  new Option(flags, `${description}: a date (UTC) or a span such as 48h or 30d`).argParser((text: string) => {
    parseWhen(text, direction, 0); // Checked now, reckoned when the command knows what time it is.
    return text;
  });

/** Of a command that changes something: who and why end in the receipt. */
export interface ActionOptions {
  readonly reason?: string;
  readonly actor?: string;
  readonly json: boolean;
}
export const actorOption = (): Option =>
  new Option("--actor <name>", "who does this, for the receipt (default: $STAKEBTS_ACTOR, then $USER)");
export const reasonOption = (): Option =>
  new Option("--reason <text>", "why, for the receipt; asked for on a terminal when it is missing");

export const examples = (...lines: readonly (readonly [command: string, meaning: string])[]): string => {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, meaning]) => `  $ stakebts ${command.padEnd(width)}   ${meaning}`).join("\n")}\n`;
};

export const operationOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text: string) => {
    if (operationPosition(text) === undefined)
      throw new InvalidArgumentError("Expected the place of a transfer, block:trx:op, such as 60692861:0:0.");
    return text as OperationId;
  });

/** A payout as the operator named it. The id follows from the key, so that neither has to be looked up. */
export interface PayoutReference {
  readonly text: string;
  readonly id: PayoutId;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;
const KEY = /^(?:notice:)?[a-z]+:\d+:\d+:\d+(?:\.\d+)?(?::\d+)?$/u;

export function payoutReference(text: string): PayoutReference {
  if (UUID.test(text)) return { text, id: text.toLowerCase() as PayoutId };
  if (KEY.test(text)) return { text, id: payoutId(text as PayoutKey) };
  throw new InvalidArgumentError(
    "Expected a payout's key, such as reward:60692861:0:0:1, or its id; `stakebts payouts list` shows both.",
  );
}

export const blockNumber = (text: string): number => {
  if (!/^[1-9][0-9]{0,8}$/u.test(text)) throw new InvalidArgumentError("Expected a block number.");
  return Number(text);
};

export const statusOption = (): Option => listOption("--status <list>", "in these states", PAYOUT_STATUSES);
export const kindOption = (): Option => listOption("--kind <list>", "of these kinds", PAYOUT_KINDS);
export const payeeOption = (): Option => new Option("--payee <account>", "to this account");
