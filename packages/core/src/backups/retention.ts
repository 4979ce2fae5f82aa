import { assert } from "@stakebts/kernel/assert";
import { isoText } from "@stakebts/kernel/text";
import { DAY_MS, HOUR_MS } from "@stakebts/kernel/time";

/** Which backups are kept: all of the last hours, then one a day, then one a month (UTC). */
export interface Retention {
  readonly allForMs: number;
  readonly dailyForMs: number;
  readonly months: number;
}

export const DEFAULT_RETENTION: Retention = { allForMs: 48 * HOUR_MS, dailyForMs: 30 * DAY_MS, months: 12 };

/** `48h,30d,12m`; each part once, in this order. `undefined` when it is something else. */
export function parseRetention(text: string): Retention | undefined {
  const parts = /^(\d{1,4})h,(\d{1,4})d,(\d{1,3})m$/u.exec(text);
  if (parts === null) return undefined;
  const [hours, days, months] = parts.slice(1).map(Number) as [number, number, number];
  return { allForMs: hours * HOUR_MS, dailyForMs: days * DAY_MS, months };
}

/** `stakebts-20261124T210000Z-20261124210000.dump`: when it was made (UTC), and the newest migration in it. */
const NAME = /^stakebts-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-(\d{14})\.dump$/u;

export function backupName(madeAtMs: number, schemaVersion: string): string {
  const name = `stakebts-${isoText(madeAtMs).slice(0, 19).replaceAll(/[-:]/gu, "")}Z-${schemaVersion}.dump`;
  assert(NAME.test(name), `${name} is not the name of a backup`);
  return name;
}

/** When the backup with this name was made; `undefined` when it is not the name of a backup of ours. */
export function backupTime(name: string): number | undefined {
  const parts = NAME.exec(name);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second);
  // February 31 would be some day in March, and the file none that we made.
  return backupName(timeMs, parts[7] ?? "") === name ? timeMs : undefined;
}

const monthOf = (ms: number): number => new Date(ms).getUTCFullYear() * 12 + new Date(ms).getUTCMonth();

/**
 * The backups that may go. The newest of all stays, no matter what the rule says; of a day and of a month the newest stays. A
 * name that is not ours is none of our business.
 */
export function superfluousBackups(
  names: readonly string[],
  nowMs: number,
  { allForMs, dailyForMs, months }: Retention,
): readonly string[] {
  const newestFirst = names
    .flatMap((name) => {
      const madeAtMs = backupTime(name);
      return madeAtMs === undefined ? [] : [{ name, madeAtMs }];
    })
    .sort((a, b) => b.madeAtMs - a.madeAtMs);
  const days = new Set<number>();
  const seenMonths = new Set<number>();
  return newestFirst
    .filter(({ madeAtMs }, index) => {
      const ageMs = nowMs - madeAtMs;
      const day = Math.floor(madeAtMs / DAY_MS);
      const month = monthOf(madeAtMs);
      const isOfDay = !days.has(day) && ageMs <= dailyForMs;
      const isOfMonth = !seenMonths.has(month) && monthOf(nowMs) - month < months;
      days.add(day);
      seenMonths.add(month);
      return !(index === 0 || ageMs <= allForMs || isOfDay || isOfMonth);
    })
    .map(({ name }) => name);
}
