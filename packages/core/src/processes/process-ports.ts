import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import type { NodeTrouble } from "@stakebts/bitshares/chain";
import type { NewReceipt } from "../ledger/ledger.ts";
import { reportTroubles } from "../ledger/report-node-problems.ts";
import { FreezeWatch, type FreezeWatchDeps } from "../limits/report-freezes.ts";
import type { Freeze } from "../rules/freeze.ts";
import { repeat } from "../runtime/loop.ts";
import type { Progress } from "../runtime/progress.ts";
import type { Readiness } from "../runtime/readiness.ts";

// A process is a function of its ports: it opens no connection and reads no environment. The applications run it on the
// real ports, the simulator on ports that fail and on a clock of its own.

/** What every process is given beside its own ports. */
export interface ProcessPorts {
  readonly clock: HostClock;
  readonly log: Log;
  /** Told of each step of each loop. */
  readonly progress?: Progress | undefined;
  /** Told what the process needs for its work. */
  readonly readiness?: Readiness | undefined;
}

/** What every process is told beside its own settings. */
export interface ProcessSettings {
  /** For the receipt of the start: every setting, secrets hidden. */
  readonly shown: Readonly<Record<string, string>>;
  /** How often freezes and troubles of nodes are looked for; {@link LOOK_MS} if not said. */
  readonly lookMs?: number | undefined;
}

/** Each decision looks for itself. This is how soon others hear of a freeze, or of what a node was caught in. */
const LOOK_MS = 1_000;

/** A process that can be frozen by itself. */
export interface FreezablePorts {
  /** What is frozen in this process alone. */
  readonly frozenHere: () => readonly Freeze[];
  /** Told at every look of what is. */
  readonly onFreezes?: ((freezes: readonly Freeze[]) => void) | undefined;
}

/** Tells the others what is frozen here, until the signal. */
export async function reportFreezes(
  ports: ProcessPorts & FreezablePorts & Pick<FreezeWatchDeps, "ledger">,
  { process, lookMs = LOOK_MS }: { readonly process: string; readonly lookMs?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { ledger, clock, log, progress, frozenHere, onFreezes } = ports;
  const freezes = new FreezeWatch({
    ledger,
    log,
    process,
    frozenHere,
    ...(onFreezes === undefined ? {} : { onLook: onFreezes }),
  });
  await repeat({ name: "freeze", clock, log, progress }, signal, async () => {
    await freezes.look();
    return lookMs;
  });
}

/** Writes down what nodes were caught in and what they could not agree on, until the signal. */
export async function reportNodeTroubles(
  ports: ProcessPorts & { readonly chain: { takeTroubles(): readonly NodeTrouble[] } },
  { write, lookMs = LOOK_MS, stepMsMax }: NodeTroubleOptions,
  signal: AbortSignal,
): Promise<void> {
  const { chain, clock, log, progress } = ports;
  const loop = { name: "report troubles of nodes", clock, log, progress, stepMsMax };
  await repeat(loop, signal, async () => {
    await reportTroubles({ chain, log, write });
    return lookMs;
  });
}

interface NodeTroubleOptions {
  readonly write: (receipts: readonly NewReceipt[]) => Promise<void>;
  readonly lookMs?: number | undefined;
  readonly stepMsMax?: number | undefined;
}
