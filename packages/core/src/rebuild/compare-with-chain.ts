import { assert } from "@stakebts/kernel/assert";
import type { HostClock } from "@stakebts/kernel/clock";
import { operationId } from "@stakebts/kernel/operation-id";
import type { OnProgress } from "../imports/import-refused.ts";
import type { Ledger, PassedBlocks } from "../ledger/ledger.ts";
import { MemoKeys } from "../ledger/memo-keys.ts";
import type { Policy } from "../rules/policy.ts";
import { compareLedgers } from "./compare-ledgers.ts";
import type { Comparison, Difference } from "./difference.ts";
import type { AgreementFact, LedgerContents, WholeLedger } from "./ledger-contents.ts";
import { readChain, type ReadDeps, RebuildRefused } from "./rebuild-ledger.ts";

const whatSomeHave = (
  chain: ComparisonDeps["chain"],
): Pick<ComparisonDeps["chain"], "undelivered" | "accountHistory"> => {
  const { undelivered, accountHistory } = chain;
  return {
    ...(undelivered === undefined ? {} : { undelivered: (request) => undelivered.call(chain, request) }),
    ...(accountHistory === undefined
      ? {}
      : { accountHistory: (request) => accountHistory.call(chain, request) }),
  };
};

/** The chain as if `lastBlockNum()` were the newest block that is believed: its reader stops there. */
export const chainUpTo = (
  chain: ComparisonDeps["chain"],
  lastBlockNum: () => number,
): ComparisonDeps["chain"] => ({
  ...whatSomeHave(chain),
  chainId: () => chain.chainId(),
  head: async () => {
    const head = await chain.head();
    // The irreversible block itself is not believed: see lastFinalBlockNum.
    return { ...head, irreversibleBlockNum: Math.min(head.irreversibleBlockNum, lastBlockNum() + 1) };
  },
  blocks: (request) => chain.blocks(request),
  blocksAtOnce: async (max) => (await chain.blocksAtOnce?.(max)) ?? max,
  blockId: (blockNum) => chain.blockId(blockNum),
  accounts: (namesOrIds) => chain.accounts(namesOrIds),
  balance: (account) => chain.balance(account),
  balanceBounds: (account) => chain.balanceBounds(account),
  permission: (id) => chain.permission(id),
  transferFees: () => chain.transferFees(),
  close: () => chain.close(),
});

export interface ComparisonDeps extends Omit<ReadDeps, "ledger" | "adminReplay" | "openedBefore"> {
  readonly clock: HostClock;
  /** The ledger in question: it is only looked at, and may go on meanwhile. */
  readonly ledger: WholeLedger;
  /** Of the same: blocks that no node delivers, and that the comparison passes as it did. */
  readonly passedBlocks: PassedBlocks;
  /** Of the same: which memo keys the custodian had. */
  readonly memoKeysSeen: Pick<Ledger["memoKeys"], "all">;
  /** An empty one beside it, which is filled. */
  readonly scratch: { readonly ledger: Ledger; readonly whole: WholeLedger };
}

/** The scheduler is some moments behind the ingester: it is given time to write what blocks have brought. */
const LOOKS_MAX = 6;
const LOOK_AGAIN_MS = 2_000;

/**
 * Makes a ledger from the chain alone, by the services that make every ledger, and holds this one against it.
 *
 * Four things are taken from the ledger, since they are not on the chain: up to which block another installation had
 * answered, the terms of agreements that were opened under another policy, where it began to read, and which memo keys the custodian's
 * account was seen to have.
 * @param fromBlockNum the first block; without it the first of the ledger's unbroken run
 */
export async function compareWithChain(
  deps: ComparisonDeps,
  fromBlockNum: number | undefined,
  tell: (difference: Difference) => void,
  onProgress: OnProgress,
): Promise<Comparison> {
  const { ledger, scratch, clock } = deps;
  const before = await ledger.look(async (contents) => ({
    cursor: contents.cursor,
    processedElsewhereUpToBlockNum: contents.processedElsewhereUpToBlockNum,
    kept: await agreementsOfOtherTerms(contents, deps.policy),
  }));
  const { cursor, kept } = before;
  if (cursor === undefined)
    throw new RebuildRefused(
      "this ledger has read no block, so there is nothing to compare",
      "`stakebts rebuild --from <block>` fills an empty ledger from the chain",
    );
  const from = fromBlockNum ?? cursor.scannedFromBlockNum;
  if (from > cursor.blockNum)
    throw new RebuildRefused(
      `the ledger stands at block ${cursor.blockNum}, and block ${from} is beyond`,
      "give an earlier block, or none",
    );
  let lastBlockNum = cursor.blockNum;
  const reader: ReadDeps = {
    ...deps,
    ledger: scratch.ledger,
    memoKeys: new MemoKeys({ ...deps, ledger: scratch.ledger }),
    chain: chainUpTo(deps.chain, () => lastBlockNum),
    adminReplay: true,
    openedBefore: (at) => kept.get(operationId(at)),
  };
  await scratch.ledger.transaction((tx) =>
    tx.control.setProcessedElsewhereUpToBlockNum(before.processedElsewhereUpToBlockNum),
  );
  for (const blockNum of await deps.passedBlocks.within({ from, to: cursor.blockNum }))
    await scratch.ledger.transaction((tx) =>
      tx.passedBlocks.add({ blockNum, actor: "comparison", reason: "passed by the ledger in question" }),
    );
  const seen = await deps.memoKeysSeen.all();
  await scratch.ledger.transaction(async (tx) => {
    await tx.memoKeys.add(seen);
    for (const { publicKey, isLost } of seen)
      if (isLost === true)
        await tx.memoKeys.lose({ publicKey, actor: "comparison", agreedBy: "ledger", reason: "lost there" });
  });
  await readChain(reader, from, onProgress);
  for (let looks = 1; ; looks++) {
    const comparison = await ledger.look(async (contents) => {
      if (contents.hasWork && looks < LOOKS_MAX) return undefined;
      assert(contents.cursor !== undefined, "a cursor does not vanish");
      lastBlockNum = Math.max(lastBlockNum, contents.cursor.blockNum);
      const { toBlockNum } = await readChain(reader, from, () => undefined);
      if (toBlockNum !== contents.cursor.blockNum)
        throw new RebuildRefused(
          `the ledger stands at block ${contents.cursor.blockNum} and the nodes are believed up to block ${toBlockNum}`,
          "wait for the nodes, or put others into STAKEBTS_NODES, and compare again",
        );
      return scratch.whole.look((chain) => compareLedgers(contents, chain, kept, tell));
    });
    if (comparison !== undefined) return comparison;
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

/** Agreements that today's policy would not open as they were opened. */
async function agreementsOfOtherTerms(
  ledger: LedgerContents,
  { terms, acceptedAmounts }: Policy,
): Promise<ReadonlyMap<string, AgreementFact>> {
  const found = new Map<string, AgreementFact>();
  for await (const page of ledger.agreements())
    for (const agreement of page) {
      const { monthMs, rewardBps, penaltyBps } = agreement.terms;
      const isOfToday =
        monthMs === terms.monthMs &&
        rewardBps === terms.rewardBps &&
        penaltyBps === terms.penaltyBps &&
        acceptedAmounts.includes(agreement.amount);
      if (!isOfToday && agreement.isOpenedByTransfer) found.set(operationId(agreement.operation), agreement);
    }
  return found;
}
