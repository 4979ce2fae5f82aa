import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import type { ChainReader } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Ledger } from "../ledger/ledger.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";

export type CaughtUp =
  /** Every block up to this one, which is what was final when the chain was asked, is in the ledger. */
  | { readonly caughtUp: true; readonly blockNum: number }
  | { readonly caughtUp: false; readonly reason: string };

const LOOK_AGAIN_MS = 250;

/**
 * Does the ledger know everything that was final when this was asked? Only then does "no payment is recorded" mean that
 * none was made; nor does it under a recovery hold. The ingester is always a block or two behind, so it is given a moment.
 * Errors: ChainError when no node can be asked.
 */
export async function ledgerCaughtUp(
  { ledger, chain, clock }: { ledger: Ledger; chain: ChainReader; clock: HostClock },
  waitMsMax: number,
): Promise<CaughtUp> {
  const blockNum = lastFinalBlockNum((await chain.head()).irreversibleBlockNum);
  const deadlineMs = clock.nowMs() + waitMsMax;
  for (;;) {
    const cursor = await ledger.cursor.read();
    if (cursor === undefined) return { caughtUp: false, reason: "no block has been ingested yet" };
    const onRecoveryHold = whyOnRecoveryHold((await ledger.control.read()).recoveryHold);
    if (onRecoveryHold !== undefined)
      return { caughtUp: false, reason: `the ledger may have forgotten payments, ${onRecoveryHold}` };
    if (cursor.blockNum >= blockNum) return { caughtUp: true, blockNum };
    if (clock.nowMs() >= deadlineMs)
      return {
        caughtUp: false,
        reason: `the ledger is ${blockNum - cursor.blockNum} block(s) behind the chain, and a payment may be in them`,
      };
    await clock.sleep(LOOK_AGAIN_MS);
  }
}
