import type { HostClock } from "@stakebts/kernel/clock";
import type { AuditLog, HashChainEntry } from "@stakebts/core/audit/audit-log";
import type { NewReceipt } from "@stakebts/core/ledger/ledger";
import type { MemoryLedger } from "../memory-ledger.ts";

/** The audit log over the receipts of a ledger in memory. An entry stays with its receipt, also in a backup. */
export class ChainedReceipts implements Pick<AuditLog, "appendEntries" | "head"> {
  readonly #ledger: MemoryLedger;
  readonly #clock: Pick<HostClock, "nowMs">;
  readonly #entries = new WeakMap<NewReceipt, HashChainEntry>();

  constructor(ledger: MemoryLedger, clock: Pick<HostClock, "nowMs">) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  head(): Promise<HashChainEntry | undefined> {
    return Promise.resolve(this.#last().entry);
  }

  appendEntries(...[limit, entriesFor]: Parameters<AuditLog["appendEntries"]>): Promise<number> {
    const { receipts } = this.#ledger.contents;
    const { entry: last, index } = this.#last();
    const next = receipts.slice(index + 1, index + 1 + limit);
    const createdAtMs = this.#clock.nowMs();
    const entries = entriesFor(
      last,
      next.map(({ event, subject, chainTimeMs, details }, i) => ({
        id: BigInt(index + 2 + i),
        event,
        subject,
        chainTimeMs,
        details,
        createdAtMs,
        writtenBy: "simulator",
      })),
      createdAtMs,
    );
    for (const [i, receipt] of next.entries()) this.#entries.set(receipt, entries[i] as HashChainEntry);
    return Promise.resolve(next.length);
  }

  /** What is wrong with the order of the log; empty when every entry follows the one before it. */
  gaps(): readonly string[] {
    const { index: last } = this.#last();
    return this.#ledger.contents.receipts.slice(0, last + 1).flatMap((receipt, index) => {
      const seq = this.#entries.get(receipt)?.seq;
      return seq === index + 1 ? [] : [`receipt ${index + 1} is entry ${seq} of the audit log`];
    });
  }

  #last(): { readonly entry: HashChainEntry | undefined; readonly index: number } {
    const { receipts } = this.#ledger.contents;
    for (let index = receipts.length - 1; index >= 0; index--) {
      const entry = this.#entries.get(receipts[index] as NewReceipt);
      if (entry !== undefined) return { entry, index };
    }
    return { entry: undefined, index: -1 };
  }
}
