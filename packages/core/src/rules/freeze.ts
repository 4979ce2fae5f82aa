/**
 * What a freeze stops. `pay-nothing`: nothing new is signed. `accept-nothing`: nominations are written down and not answered,
 * until it ends. `all`: both.
 */
export const FREEZE_LEVELS = ["pay-nothing", "accept-nothing", "all"] as const;
export type FreezeLevel = (typeof FREEZE_LEVELS)[number];

/**
 * Who may freeze: `operator` (command line, console, and the ledger itself in doubt) and `manager` (a memo) in the ledger;
 * `environment` and `file` in one process, which then needs neither database nor network to know it.
 */
export const FREEZE_SOURCES = ["operator", "manager", "environment", "file"] as const;
export type FreezeSource = (typeof FREEZE_SOURCES)[number];

/** One of what may be several. Together they stop whatever one of them stops. */
export interface Freeze {
  readonly source: FreezeSource;
  readonly level: FreezeLevel;
  readonly reason: string;
}

export const isFreezeLevel = (text: string): text is FreezeLevel =>
  (FREEZE_LEVELS as readonly string[]).includes(text);

export const stopsPaying = (level: FreezeLevel): boolean => level !== "accept-nothing";
export const stopsAccepting = (level: FreezeLevel): boolean => level !== "pay-nothing";

/** Why nothing is signed, naming every source that says so; `undefined` when none does. */
export const whyPaysNothing = (freezes: readonly Freeze[]): string | undefined =>
  reasons(freezes.filter(({ level }) => stopsPaying(level)));
export const whyAcceptsNothing = (freezes: readonly Freeze[]): string | undefined =>
  reasons(freezes.filter(({ level }) => stopsAccepting(level)));

const reasons = (freezes: readonly Freeze[]): string | undefined =>
  freezes.length === 0 ? undefined : freezes.map(({ reason }) => reason).join("; and ");

/** The strictest that all of them together amount to; `undefined` for none. */
export function levelOf(freezes: readonly Freeze[]): FreezeLevel | undefined {
  const [pays, accepts] = [whyPaysNothing(freezes), whyAcceptsNothing(freezes)];
  if (pays === undefined) return accepts === undefined ? undefined : "accept-nothing";
  return accepts === undefined ? "pay-nothing" : "all";
}

/** The level that two switches amount to. */
export const levelOfSwitches = ({
  pays,
  accepts,
}: {
  readonly pays: boolean;
  readonly accepts: boolean;
}): FreezeLevel | undefined =>
  pays ? (accepts ? undefined : "accept-nothing") : accepts ? "pay-nothing" : "all";

/** For people: what a freeze stops, who made it, where and why. */
export const freezeText = ({
  level,
  source,
  reason,
  process,
}: Freeze & { readonly process?: string }): string =>
  `${level} by ${source}${process === undefined ? "" : ` of the ${process}`}: ${reason}`;
