import { PROCESS_ROLES } from "./rights.ts";
import { FREEZE_LEVELS, FREEZE_SOURCES } from "../rules/freeze.ts";
import { LIMITED_BY } from "../rules/limits.ts";
import { PAYOUT_KINDS, PAYOUT_STATUSES } from "../rules/payout.ts";
import { TERM_MONTHS } from "../rules/policy.ts";
import { STAKE_ROW_STATUSES, STAKE_ROW_TYPES } from "../rules/stake-row.ts";
import { TOP_UP_KINDS, TOP_UP_SOURCES, TOP_UP_STATUSES } from "../rules/top-up.ts";
import { WITHDRAWAL_STATUSES } from "../rules/withdrawal.ts";
import { NOTIFICATION_STATUSES } from "../alerts/notification.ts";
import {
  MEMO_STATUSES,
  SETTLEMENT_MATCHES,
  TRANSFER_DIRECTIONS,
  TRANSFER_STATUSES,
} from "../ledger/ledger.ts";
import { WATCHER_NOTES } from "../custody/monitor-ledger.ts";
import { CONSOLE_ROLES } from "../operators/console-access.ts";
import pg from "pg";
import { describe, expect } from "vitest";
import { test } from "@stakebts/testkit/database";

/** Which words a column may have: by the CHECK that says so in the database, the constant in TypeScript. */
const CLOSED_SETS: Readonly<Record<string, readonly (string | number)[]>> = {
  agreement_months_known: TERM_MONTHS,
  console_user_role_known: CONSOLE_ROLES,
  ledger_freeze_level_known: FREEZE_LEVELS,
  ledger_freeze_process_known: PROCESS_ROLES,
  ledger_freeze_source_known: FREEZE_SOURCES,
  top_up_account_known: TOP_UP_SOURCES,
  top_up_kind_known: TOP_UP_KINDS,
  top_up_status_known: TOP_UP_STATUSES,
  notification_status_known: NOTIFICATION_STATUSES,
  payout_kind_known: PAYOUT_KINDS,
  payout_limited_by_known: LIMITED_BY,
  payout_status_known: PAYOUT_STATUSES,
  stake_row_status_known: STAKE_ROW_STATUSES,
  stake_row_type_known: STAKE_ROW_TYPES,
  settlement_matched_by_known: SETTLEMENT_MATCHES,
  transfer_direction_known: TRANSFER_DIRECTIONS,
  transfer_memo_status_known: MEMO_STATUSES,
  transfer_status_known: TRANSFER_STATUSES,
  watcher_note_kind_known: WATCHER_NOTES,
  withdrawal_status_known: WITHDRAWAL_STATUSES,
};

interface Check {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

async function checksOf(databaseUrl: string): Promise<readonly Check[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Check>(
      `SELECT c.relname AS table, conname AS name, pg_get_constraintdef(k.oid, true) AS definition
         FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid
        WHERE contype = 'c' AND connamespace = 'public'::regnamespace ORDER BY 2`,
    );
    return rows;
  } finally {
    await client.end();
  }
}

const wordsIn = (list: string): string[] =>
  list.split(", ").map((word) => word.replace(/^'(.*)'(::text)?$/u, "$1"));

/** `column IN (…)` or `column BETWEEN m AND n` as PostgreSQL writes them; undefined for every other CHECK. */
function closedSetOf({ definition }: Check): { column: string; words: string[] } | undefined {
  const list = /^CHECK \((\w+) = ANY \(ARRAY\[([^\]]*)\]\)\)$/u.exec(definition);
  if (list) return { column: list[1] ?? "", words: wordsIn(list[2] ?? "") };
  const range = /^CHECK \((\w+) >= (\d+) AND \1 <= (\d+)\)$/u.exec(definition);
  if (!range) return undefined;
  const [from, to] = [Number(range[2]), Number(range[3])];
  return {
    column: range[1] ?? "",
    words: Array.from({ length: to - from + 1 }, (_, index) => String(from + index)),
  };
}

const sorted = (words: readonly (string | number)[]): string => words.map(String).sort().join(", ");

describe("a column with a closed set of words", () => {
  test("has the same words in the database and in TypeScript", async ({ databaseUrl }) => {
    const checks = (await checksOf(databaseUrl)).flatMap((check) => {
      const set = closedSetOf(check);
      return set === undefined ? [] : [{ ...check, ...set }];
    });
    const problems = [
      ...checks
        .filter(({ name }) => CLOSED_SETS[name] === undefined)
        .map(({ name }) => `${name} is compared with no constant: add it to CLOSED_SETS`),
      ...Object.keys(CLOSED_SETS)
        .filter((name) => !checks.some((check) => check.name === name))
        .map((name) => `${name} is no CHECK over a closed set in the database`),
      ...checks.flatMap(({ name, words }) => {
        const constant = CLOSED_SETS[name];
        return constant === undefined || sorted(constant) === sorted(words)
          ? []
          : [`${name} allows ${sorted(words)}; TypeScript has ${sorted(constant)}`];
      }),
    ];
    expect(problems).toEqual([]);
  });

  test("is compared in other checks with words that it has", async ({ databaseUrl }) => {
    const checks = await checksOf(databaseUrl);
    const sets = new Map(
      checks.flatMap((check) => {
        const set = closedSetOf(check);
        return set === undefined ? [] : [[`${check.table}.${set.column}`, set.words] as const];
      }),
    );
    const uses = checks.flatMap(({ table, name, definition }) =>
      [
        ...definition.matchAll(/(\w+) (?:=|<>) (?:(?:ANY|ALL) \(ARRAY\[([^\]]*)\]|'([^']*)'::text)/gu),
      ].flatMap(([, column = "", list, word]) =>
        (list === undefined ? [word ?? ""] : wordsIn(list)).map((used) => ({ table, name, column, used })),
      ),
    );
    const strange = uses.filter(
      ({ table, column, used }) => sets.get(`${table}.${column}`)?.includes(used) === false,
    );
    expect(uses.length).toBeGreaterThan(sets.size);
    expect(strange).toEqual([]);
  });
});
