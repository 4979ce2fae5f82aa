import { audit, auditAgainstChain, auditEnd, auditSum } from "./audit-world.ts";
import { reckon } from "./auditor.ts";
import { helper, operator, startBackups, startChain, startExchange, startNominators } from "./outside.ts";
import { folder, ingester, keepAlive, payer } from "./processes.ts";
import type { Safeguard } from "./safeguards.ts";
import { EXCHANGE, World } from "./world.ts";

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

const SAFETY_MS_MIN = 300_000;
const SAFETY_MS_MAX = 1_200_000;
/** After the storm everything has to be settled within this time, that of months that are waited for not counted. */
const LIVENESS_MS_MAX = 7_200_000;
const SLICE_MS = 30_000;
const SHARES = 100_000n;

/** One world from its beginning to the last payment. */
export async function runSeed(
  seed: number,
  { without, linesMax = 60 }: SeedOptions = {},
): Promise<SeedResult> {
  const world = new World(seed, { without, linesMax });
  const { scheduler, prng } = world;
  const isWrong = (): boolean => world.wrong.length > 0;
  startChain(world);
  startNominators(world);
  startExchange(world);
  startBackups(world);
  for (const name of ["ingester 1", "ingester 2"])
    keepAlive(world, name, (life) => {
      world.ingesters.add(life);
      return ingester(world, life);
    });
  for (const name of ["scheduler 1", "scheduler 2"]) keepAlive(world, name, (life) => folder(world, life));
  for (const name of ["payer 1", "payer 2"]) keepAlive(world, name, (life) => payer(world, life));
  keepAlive(world, "operator", (life) => operator(world, life));

  await scheduler.run(prng.int(SAFETY_MS_MIN, SAFETY_MS_MAX), isWrong);
  if (!isWrong()) await audit(world);
  if (!isWrong()) {
    world.clearUp();
    keepAlive(world, "helper", (life) => helper(world, life));
    world.sendByOthers(EXCHANGE, 50_000_000n * SHARES, { means: { type: "treasury" } });
    await settle(world, isWrong);
  }
  return {
    seed,
    wrong: world.wrong,
    traceHash: scheduler.traceHash,
    trace: scheduler.trace,
    events: scheduler.eventCount,
    payments: reckon(world.chain.finalBlocks(), world.intentions, world.auditTerms).outgoing.length,
  };
}

/** Goes on until nothing is owed any more. Where only time is missing, it is made to pass. */
async function settle(world: World, isWrong: () => boolean): Promise<void> {
  const { scheduler, ledger } = world;
  const endMs = scheduler.nowMs + LIVENESS_MS_MAX;
  while (!isWrong() && scheduler.nowMs < endMs) {
    await scheduler.run(scheduler.nowMs + SLICE_MS, isWrong);
    await auditSum(world);
    if (!isQuiet(world)) continue;
    const [nextDueMs] = await ledger.rows.nextDueInstants(1);
    if (nextDueMs === undefined) break;
    const toNextMs = Math.max(0, nextDueMs - world.chainNowMs);
    world.chainAheadMs += toNextMs + world.prng.int(0, 3) * world.policy.terms.monthMs;
    scheduler.note("chain", "months pass");
  }
  if (isWrong()) return;
  await audit(world);
  auditEnd(world);
  await auditAgainstChain(world);
}

/** Nothing is on its way: no transfer to a block, to the ledger or to an answer, and no payout that is open. */
function isQuiet({ chain, ledger }: World): boolean {
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
