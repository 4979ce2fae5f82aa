import type { AccountHistoryReader, UndeliveredBlockReader } from "@stakebts/bitshares/account-operations";
import { type AccountId, ChainError, type ChainReader, type ChainTransfer } from "@stakebts/bitshares/chain";
import { mayBeVirtual, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { memoNonces } from "../ledger/ids.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import { readOrPass } from "../ledger/pass-blocks.ts";
import type { PayoutId } from "../rules/payout.ts";
import { whyNotSettled } from "../rules/settlement.ts";
import type { MonitorLedger, UncheckedSettlement } from "./monitor-ledger.ts";
import { AccountNames } from "./account-names.ts";
import { type AlertDeps, raiseAlert } from "./raise-alert.ts";

export interface SettlementCheckDeps extends AlertDeps {
  readonly chain: Pick<ChainReader, "head" | "accounts" | "blocks"> &
    Partial<UndeliveredBlockReader> &
    Partial<AccountHistoryReader>;
  readonly ledger: Pick<MonitorLedger, "stopPayments" | "passedBlocks" | "settlements">;
  readonly custodian: { readonly id: AccountId };
}

/** Settlements that are looked at in one step, twice: the newest, and some of those that are left from an absence. */
const SETTLEMENTS_PER_STEP = 500;
const BLOCKS_AT_ONCE = 16;
/**
 * An ingester may know of a final block before this process does. After a minute of the chain's time a block that was final then is so
 * for everybody.
 */
const AWAITED_BLOCKS_MAX = 20;
/** Nodes of this process that are so far behind those of the ingester are waited for: five minutes of blocks. */
const BEHIND_BLOCKS_MAX = 100;

type SentTransfer = Omit<ChainTransfer, "txid"> & Partial<Pick<ChainTransfer, "txid">>;

/**
 * Holds each debt that the ledger calls paid against the blocks of this process's own nodes, once (rules/settlement.ts), no matter
 * which login settled it and how. The ledger remembers which settlements were checked, in a column that only watchers may write: after an
 * absence those of the meantime are looked at, the newest first.
 */
export class SettlementCheck {
  readonly #deps: SettlementCheckDeps;
  readonly #names: AccountNames;
  /** Blocks that are not final here yet, and the head when they were asked for first. */
  readonly #awaited = new Map<PayoutId, number>();
  /** The oldest that was looked at of those that are left; `undefined`: from the newest again. */
  #oldest: UncheckedSettlement | undefined;

  constructor(deps: SettlementCheckDeps) {
    this.#deps = deps;
    this.#names = new AccountNames(deps.chain);
  }

  /** Safe to call again after it has thrown, at any point. Throws ChainError when a block cannot be read; the others were checked. */
  async look(): Promise<void> {
    const { ledger, chain } = this.#deps;
    const newest = await ledger.settlements.unchecked({ before: undefined, limit: SETTLEMENTS_PER_STEP });
    if (newest.length === 0) {
      this.#awaited.clear();
      return;
    }
    const head = await chain.head();
    const more =
      newest.length < SETTLEMENTS_PER_STEP
        ? []
        : await ledger.settlements.unchecked({
            before: this.#oldest ?? newest.at(-1),
            limit: SETTLEMENTS_PER_STEP,
          });
    this.#oldest = more.at(-1);
    const failures: unknown[] = [];
    for (const page of [newest, more])
      await this.#check(page, head).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  async #check(
    page: readonly UncheckedSettlement[],
    head: { readonly headBlockNum: number; readonly irreversibleBlockNum: number },
  ): Promise<void> {
    const finalBlockNum = lastFinalBlockNum(head.irreversibleBlockNum);
    const { sent, unread, failure } = await this.#readSent(page, finalBlockNum);
    const txids = [...sent.values()].flatMap(({ txid }) => (txid === undefined ? [] : [txid]));
    const signedFor = await this.#deps.ledger.settlements.signedFor(txids);
    const checked: PayoutId[] = [];
    for (const settlement of page) {
      const { payoutId, by } = settlement;
      if (unread.has(by.blockNum)) continue;
      if (by.blockNum > finalBlockNum && !this.#isOverdue(payoutId, by.blockNum, head.headBlockNum)) continue;
      const transfer = sent.get(operationId(by));
      const owner = transfer?.txid === undefined ? undefined : signedFor.get(transfer.txid);
      const why = whyNotSettled(
        { ...settlement, isByHand: settlement.matchedBy === "operator", nonces: memoNonces(settlement.key) },
        transfer === undefined
          ? undefined
          : {
              receiver: this.#names.of(transfer.toId),
              amount: transfer.amount,
              assetId: transfer.assetId,
              txid: transfer.txid,
              memoNonce: transfer.memo?.nonce,
              signedFor: owner === settlement.key ? undefined : owner,
            },
      );
      if (why !== undefined) await this.#alert(settlement, why);
      this.#awaited.delete(payoutId);
      checked.push(payoutId);
    }
    // Afterwards: a watcher that dies in between looks, and says it, again.
    await this.#deps.ledger.settlements.setChecked(checked);
    if (failure !== undefined) throw failure;
  }

  /** A block that is yet to come, and was not final for an ingester either. */
  #isOverdue(payoutId: PayoutId, blockNum: number, headBlockNum: number): boolean {
    const since = this.#awaited.get(payoutId);
    if (since === undefined) this.#awaited.set(payoutId, headBlockNum);
    return (
      headBlockNum - (since ?? headBlockNum) > AWAITED_BLOCKS_MAX &&
      blockNum > headBlockNum + BEHIND_BLOCKS_MAX
    );
  }

  /** What the custodian has sent at the places that the settlements name, in blocks that are final. */
  async #readSent(page: readonly UncheckedSettlement[], finalBlockNum: number) {
    const wanted = new Map<number, OperationPosition[]>();
    for (const { by } of page) {
      if (by.blockNum < 1 || by.blockNum > finalBlockNum) continue;
      const places = wanted.get(by.blockNum) ?? [];
      places.push(by);
      wanted.set(by.blockNum, places);
    }
    const sent = new Map<string, SentTransfer>();
    const unread = new Set<number>();
    let failure: ChainError | undefined;
    const blocks = [...wanted];
    for (let i = 0; i < blocks.length; i += BLOCKS_AT_ONCE)
      await Promise.all(
        blocks.slice(i, i + BLOCKS_AT_ONCE).map(async ([blockNum, places]) => {
          try {
            for (const [place, transfer] of await this.#sentAt(places)) sent.set(place, transfer);
          } catch (error) {
            if (!(error instanceof ChainError)) throw error;
            unread.add(blockNum);
            failure = error;
          }
        }),
      );
    await this.#names.learn([...sent.values()].map(({ toId }) => toId));
    return { sent, unread, failure };
  }

  /** At these places of one block; also what the chain sent itself, as it does with an approved proposal. */
  async #sentAt(places: readonly OperationPosition[]): Promise<ReadonlyMap<string, SentTransfer>> {
    const { chain, custodian } = this.#deps;
    const [{ blockNum } = { blockNum: 0 }] = places;
    const byPlace = (transfers: readonly SentTransfer[]) =>
      transfers.map((transfer) => [operationId({ ...transfer, blockNum }), transfer] as const);
    const found = new Map<string, SentTransfer>(byPlace(await this.#sentIn(blockNum)));
    const isMissing = places.some((at) => mayBeVirtual(at) && !found.has(operationId(at)));
    if (!isMissing || chain.accountHistory === undefined) return found;
    const entries = await chain.accountHistory({ account: custodian.id, from: blockNum, to: blockNum });
    const virtual = entries.flatMap(({ transfer }) =>
      transfer?.fromId === custodian.id ? [{ ...transfer, txid: undefined }] : [],
    );
    return new Map([...byPlace(virtual), ...found]);
  }

  async #sentIn(blockNum: number): Promise<readonly ChainTransfer[]> {
    const { chain, ledger, custodian } = this.#deps;
    const [block] = await readOrPass(
      { chain, passedBlocks: ledger.passedBlocks, account: custodian.id },
      { from: blockNum, to: blockNum },
      (range) => chain.blocks({ ...range, account: custodian.id }),
    );
    if (block?.blockNum !== blockNum)
      throw new ChainError("inconsistent_chain", `asked for block ${blockNum}, and got another`);
    return block.transfers.filter(({ fromId }) => fromId === custodian.id);
  }

  #alert({ key, payee, amount, by, matchedBy }: UncheckedSettlement, why: string): Promise<void> {
    const reason = `payout ${key} counts as paid, and was not paid by that: ${why}`;
    return raiseAlert(
      this.#deps,
      {
        event: "settlement.unexplained",
        subject: key,
        details: {
          reason,
          payee,
          amount: `${amount}`,
          operation: operationId(by),
          matchedBy,
          todo: "payments are off: an intruder writes to the ledger what is not on the chain; change the passwords of the database, then rebuild the ledger from the chain",
        },
      },
      reason,
    );
  }
}
