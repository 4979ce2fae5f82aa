import { audit, auditAgainstChain, auditEnd, auditSum } from "./audit-simulation.ts";
import { reckon } from "./auditor.ts";
import {
  helper,
  operator,
  startBackups,
  startChain,
  startExchange,
  startNominators,
  startRotations,
  startThief,
} from "./outside.ts";
import { ingester, keepAlive, payer, scheduler, watcher } from "./processes.ts";
import type { Safeguard } from "./safeguards.ts";
import { EXCHANGE, Simulation } from "./simulation.ts";

export interface SeedResult {
  readonly seed: number;
  /** What the auditor found wrong; empty when all is well. */
  readonly wrong: readonly string[];
  /** The same for two runs of one seed. */
  readonly traceHash: string;
  /** What happened last. */
  readonly trace: readonly string[];
  readonly events: number;
  /** Payments in final blocks. */
  readonly payments: number;
}

export interface SeedOptions {
  readonly without?: Safeguard | undefined;
  /** How many of the last events are kept. */
  readonly linesMax?: number;
}

/** Without these a watcher looks all the same. */
const WATCHED: readonly Safeguard[] = ["key-kept", "login-kept", "settlement-check", "history-read"];
const SAFETY_MS_MIN = 300_000;
const SAFETY_MS_MAX = 1_200_000;
/** After the storm everything has to be settled within this time, that of months that are waited for not counted. */
const LIVENESS_MS_MAX = 7_200_000;
const SLICE_MS = 30_000;
const SHARES = 100_000n;

/** One simulation from its beginning to the last payment. */
export async function runSeed(
  seed: number,
  { without, linesMax = 60 }: SeedOptions = {},
): Promise<SeedResult> {
  const simulation = new Simulation(seed, { without, linesMax });
  const { eventLoop, prng } = simulation;
  const isWrong = (): boolean => simulation.wrong.length > 0;
  startChain(simulation);
  startNominators(simulation);
  startExchange(simulation);
  startBackups(simulation);
  startThief(simulation);
  startRotations(simulation);
  for (const name of ["ingester 1", "ingester 2"])
    keepAlive(simulation, name, (run) => ingester(simulation, run));
  for (const name of ["scheduler 1", "scheduler 2"])
    keepAlive(simulation, name, (run) => scheduler(simulation, run));
  for (const name of ["payer 1", "payer 2"]) keepAlive(simulation, name, (run) => payer(simulation, run));
  // Without another safeguard it is the auditor who has to see what goes wrong: a watcher would stop it before.
  if (without === undefined || WATCHED.includes(without))
    keepAlive(simulation, "watcher", (run) => watcher(simulation, run));
  keepAlive(simulation, "operator", (run) => operator(simulation, run));

  await eventLoop.run(prng.int(SAFETY_MS_MIN, SAFETY_MS_MAX), isWrong);
  if (!isWrong()) await audit(simulation);
  if (!isWrong()) {
    simulation.endFaults();
    keepAlive(simulation, "helper", (run) => helper(simulation, run));
    simulation.sendByOthers(EXCHANGE, 50_000_000n * SHARES, { means: { type: "treasury" } });
    await settle(simulation, isWrong);
  }
  return {
    seed,
    wrong: simulation.wrong,
    traceHash: eventLoop.traceHash,
    trace: eventLoop.trace,
    events: eventLoop.eventCount,
    payments: reckon(simulation.chain.finalBlocks(), simulation.intentions, simulation.auditTerms).outgoing
      .length,
  };
}

/** Goes on until nothing is owed any more. Where only time is missing, it is made to pass. */
async function settle(simulation: Simulation, isWrong: () => boolean): Promise<void> {
  const { eventLoop, ledger } = simulation;
  const endMs = eventLoop.nowMs + LIVENESS_MS_MAX;
  while (!isWrong() && eventLoop.nowMs < endMs) {
    await eventLoop.run(eventLoop.nowMs + SLICE_MS, isWrong);
    await auditSum(simulation);
    if (!isQuiet(simulation)) continue;
    const [nextDueMs] = await ledger.rows.nextDueInstants(1);
    if (nextDueMs === undefined) break;
    const toNextMs = Math.max(0, nextDueMs - simulation.chainNowMs);
    simulation.chainAheadMs += toNextMs + simulation.prng.int(0, 3) * simulation.policy.terms.monthMs;
    eventLoop.note("chain", "months pass");
  }
  if (isWrong()) return;
  await audit(simulation);
  auditEnd(simulation);
  await auditAgainstChain(simulation);
}

/** Nothing is on its way: no transfer to a block, to the ledger or to an answer, and no payout that is open. */
function isQuiet({ chain, ledger }: Simulation): boolean {
  const { payouts, transfers, cursor } = ledger.contents;
  if (chain.pending.length > 0 || (cursor?.blockNum ?? 0) < chain.irreversibleBlockNum - 10) return false;
  const isBusy = chain.head.blockNum - chain.irreversibleBlockNum > 10;
  const lastFinal = chain.finalBlocks().findLast(({ transactions }) => transactions.length > 0);
  if (isBusy || (lastFinal?.blockNum ?? 0) > (cursor?.blockNum ?? 0)) return false;
  for (let num = chain.irreversibleBlockNum + 1; num <= chain.head.blockNum; num++)
    if ((chain.block(num)?.transactions.length ?? 0) > 0) return false;
  for (const { direction, outcome } of transfers.values())
    if (direction === "in" && outcome === undefined) return false;
  for (const { status } of payouts.values())
    if (status !== "confirmed" && status !== "cancelled") return false;
  return true;
}
