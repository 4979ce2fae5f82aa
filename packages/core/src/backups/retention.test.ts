import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import {
  backupName,
  backupTime,
  DEFAULT_RETENTION,
  parseRetention,
  superfluousBackups,
} from "./retention.ts";
import { DAY_MS, HOUR_MS } from "@stakebts/kernel/time";

const NOW = Date.UTC(2026, 10, 24, 21, 0, 0);
const at = (ageMs: number): string => backupName(NOW - ageMs, "20261124210000");
const kept = (names: readonly string[], nowMs = NOW): readonly string[] => {
  const gone = superfluousBackups(names, nowMs, DEFAULT_RETENTION);
  return names.filter((name) => !gone.includes(name));
};

const namesOf = fc.uniqueArray(
  fc.integer({ min: 0, max: 800 * 24 }).map((hours) => at(hours * HOUR_MS)),
  { maxLength: 200 },
);

describe("the rule for old backups", () => {
  it("keeps every one of two days, one a day for a month, one a month for a year", () => {
    const all = Array.from({ length: 6 * 800 }, (_, n) => at(n * 4 * HOUR_MS));
    const ages = kept(all).map((name) => NOW - (backupTime(name) ?? 0));
    expect(ages.filter((age) => age <= 48 * HOUR_MS)).toHaveLength(13);
    expect(ages.filter((age) => age > 48 * HOUR_MS && age <= 30 * DAY_MS)).toHaveLength(28);
    // From December to September; those of October and November are among the days.
    expect(ages.filter((age) => age > 30 * DAY_MS)).toHaveLength(10);
  });

  test.prop([namesOf])("never lets the newest go", (names) => {
    const newest = [...names].sort().at(-1);
    if (newest !== undefined) expect(kept(names)).toContain(newest);
  });

  test.prop([namesOf, fc.nat({ max: 4_000 * 24 })])(
    "leaves one, however long no new one is made",
    (names, hours) => {
      expect(kept(names, NOW + hours * HOUR_MS).length).toBeGreaterThanOrEqual(Math.min(1, names.length));
    },
  );

  test.prop([namesOf])("applied to what it has kept, keeps all of it", (names) => {
    expect(kept(kept(names))).toEqual(kept(names));
  });

  test.prop([namesOf])("keeps one of every day of the last month on which there was one", (names) => {
    const recent = (list: readonly string[]) =>
      new Set(
        list
          .map((name) => backupTime(name) ?? 0)
          .filter((ms) => NOW - ms < 29 * DAY_MS)
          .map((ms) => Math.floor(ms / DAY_MS)),
      );
    expect(recent(kept(names))).toEqual(recent(names));
  });

  test.prop([fc.array(fc.string())])("says nothing about files that it did not make", (names) => {
    expect(superfluousBackups(names, NOW, { allForMs: 0, dailyForMs: 0, months: 0 })).toEqual([]);
  });

  it.each([
    "stakebts-20260231T000000Z-20261124210000.dump",
    "stakebts-20261124T210000Z-20261124210000.dump.old",
    "stakebts-20261124T210000Z.dump",
    "old.dump",
  ])("does not know %s", (name) => {
    expect(backupTime(name)).toBeUndefined();
  });

  it("is written as 48h,30d,12m", () => {
    expect(parseRetention("48h,30d,12m")).toEqual(DEFAULT_RETENTION);
    for (const wrong of ["", "48h", "30d,48h,12m", "48h, 30d, 12m", "-1h,30d,12m"])
      expect(parseRetention(wrong)).toBeUndefined();
  });
});
