import { readFileSync } from "node:fs";
import { type Freeze, type FreezeLevel, isFreezeLevel } from "../rules/freeze.ts";

/** What the settings of a process say about freezes. */
export interface FreezeSettings {
  readonly STAKEBTS_FREEZE_LEVEL?: FreezeLevel | undefined;
  readonly STAKEBTS_FREEZE_FILE?: string | undefined;
  /** Of a payer. */
  readonly STAKEBTS_PAYMENTS?: "on" | "off" | undefined;
}

const NOT_THERE = new Set(["ENOENT", "ENOTDIR"]);

/**
 * What is frozen in this process alone, looked at anew with each call: the file is the switch that works without database and
 * network, and takes effect at once. Its first word is the level. Empty, misspelt or unreadable it is `all`:
 * its writer wanted to stop something.
 */
export function localFreeze(settings: FreezeSettings): () => readonly Freeze[] {
  const { STAKEBTS_FREEZE_LEVEL: level, STAKEBTS_FREEZE_FILE: file, STAKEBTS_PAYMENTS: payments } = settings;
  const constant: readonly Freeze[] = [
    ...(payments === "off"
      ? [{ source: "environment", level: "pay-nothing", reason: "STAKEBTS_PAYMENTS is off" } as const]
      : []),
    ...(level === undefined
      ? []
      : [{ source: "environment", level, reason: `STAKEBTS_FREEZE_LEVEL is ${level}` } as const]),
  ];
  return () => (file === undefined ? constant : [...constant, ...fileFreeze(file)]);
}

function fileFreeze(file: string): readonly Freeze[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8").slice(0, 200);
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? "")) return [];
    text = "";
  }
  const word = text.trim().split(/\s/u, 1)[0] ?? "";
  const level = isFreezeLevel(word) ? word : "all";
  return [{ source: "file", level, reason: `the file ${file} is there (${level})` }];
}
