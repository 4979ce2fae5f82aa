/**
 * What a freeze stops. `pay-nothing`: nothing new is signed. `accept-nothing`: nominations are written down and not answered,
 * until it ends. `all`: both.
 */
export const FREEZE_LEVELS = ["pay-nothing", "accept-nothing", "all"] as const;
export type FreezeLevel = (typeof FREEZE_LEVELS)[number];

/**
 * Who stops it. In the ledger: `operator` (command line, console), `manager` (a memo), `process` (one that found something
 * wrong). In one process, which then needs neither database nor network to know it: `environment` and `file`.
 */
export const FREEZE_SOURCES = ["operator", "manager", "process", "environment", "file"] as const;
export type FreezeSource = (typeof FREEZE_SOURCES)[number];

/** One of what may be several. Together they stop everything that one of them stops. */
export interface Freeze {
  readonly source: FreezeSource;
  readonly level: FreezeLevel;
  readonly reason: string;
}

declare const brand: unique symbol;
/** Number of its row in the ledger. */
export type FreezeId = bigint & { readonly [brand]: "freeze" };

/** A freeze as the ledger has it, until it ends. */
export interface OpenFreeze extends Freeze {
  readonly id: FreezeId;
  /** Which process has found something wrong, or has this in its environment or its file. */
  readonly process: string | undefined;
  /** Host time. */
  readonly sinceMs: number;
}

export const isFreezeLevel = (text: string): text is FreezeLevel =>
  (FREEZE_LEVELS as readonly string[]).includes(text);

/**
 * Of what is written in the ledger, what stops every process. What a process says of its environment and its file stops that
 * process alone, which looks for itself before it acts.
 * `is_frozen` of the database is the same rule for payments, and a test compares the two.
 */
export const inForce = <T extends Freeze>(freezes: readonly T[]): readonly T[] =>
  freezes.filter(({ source }) => !isLocal(source));
export const reportedOnly = <T extends Freeze>(freezes: readonly T[]): readonly T[] =>
  freezes.filter(({ source }) => isLocal(source));

export const isLocal = (source: FreezeSource): boolean => source === "environment" || source === "file";

export const stopsPaying = (level: FreezeLevel): boolean => level !== "accept-nothing";
export const stopsAccepting = (level: FreezeLevel): boolean => level !== "pay-nothing";

/** Why nothing is signed, naming every source that says so; `undefined` when none does. */
export const whyPaysNothing = (freezes: readonly Freeze[]): string | undefined =>
  reasons(freezes.filter(({ level }) => stopsPaying(level)));
export const whyAcceptsNothing = (freezes: readonly Freeze[]): string | undefined =>
  reasons(freezes.filter(({ level }) => stopsAccepting(level)));

const reasons = (freezes: readonly Freeze[]): string | undefined =>
  freezes.length === 0 ? undefined : [...new Set(freezes.map(({ reason }) => reason))].join("; and ");

/** The strictest that all of them together amount to; `undefined` for none. */
export function levelOf(freezes: readonly Freeze[]): FreezeLevel | undefined {
  const [pays, accepts] = [whyPaysNothing(freezes), whyAcceptsNothing(freezes)];
  if (pays === undefined) return accepts === undefined ? undefined : "accept-nothing";
  return accepts === undefined ? "pay-nothing" : "all";
}

/** Does a freeze of this level stop something of what is to end? */
export const stopsSomeOf = (level: FreezeLevel, ended: FreezeLevel): boolean =>
  (stopsPaying(level) && stopsPaying(ended)) || (stopsAccepting(level) && stopsAccepting(ended));

/** What is still frozen when a part of a freeze ends; `undefined`: nothing. */
export function whatIsLeft(level: FreezeLevel, ended: FreezeLevel): FreezeLevel | undefined {
  const pays = stopsPaying(level) && !stopsPaying(ended);
  const accepts = stopsAccepting(level) && !stopsAccepting(ended);
  if (pays && accepts) return "all";
  return pays ? "pay-nothing" : accepts ? "accept-nothing" : undefined;
}

/** For people. */
export function freezeText(freeze: Freeze & { readonly process?: string | undefined }): string {
  const { level, source, process, reason } = freeze;
  const who =
    source === "process"
      ? `the ${process ?? "process"}`
      : process === undefined
        ? source
        : `${source} of the ${process}`;
  return `${level} by ${who}: ${reason}`;
}
