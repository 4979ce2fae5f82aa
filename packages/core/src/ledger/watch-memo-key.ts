import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { IngestDeps } from "./ingest-blocks.ts";
import type { SeenMemoKey } from "./ledger.ts";
import { logReceipt } from "./log-receipt.ts";
import { hasKey } from "./memo-keys.ts";
import { readUnread } from "./read-unread.ts";

/**
 * Looks after the custodian's memo key while the ingester runs: whether the one on the chain is configured, and whether what was for a
 * key that was missing can be read by now.
 */
export class MemoKeyWatch {
  readonly #deps: IngestDeps;
  #current: string | undefined;
  #after: OperationPosition | undefined;

  constructor(deps: IngestDeps) {
    this.#deps = deps;
  }

  /**
   * One look. All that is unread is tried at the first one, and when the account's key has changed; at the others some of it in turn.
   * @returns how many transfers were read at last
   * Throws ChainError.
   */
  async look(): Promise<number> {
    const { current, seen } = await this.#deps.memoKeys.history();
    await this.#record(current, seen);
    const tryAll = current !== this.#current;
    if (tryAll) this.#after = undefined;
    let total = 0;
    do {
      const { read, after } = await readUnread(this.#deps, this.#after);
      total += read;
      this.#after = after;
    } while (tryAll && this.#after !== undefined);
    this.#current = current;
    return total;
  }

  /** Keys that are configured are the custodian's too: taken out too early, what is for them waits. */
  async #record(current: string, seen: readonly SeenMemoKey[]): Promise<void> {
    const { ledger, log, memoKeys } = this.#deps;
    const wanted = [current, ...memoKeys.configured];
    const known = seen.map(({ publicKey }) => publicKey);
    const fresh = wanted.filter((key) => !hasKey(known, key));
    const isMissing = !hasKey(memoKeys.configured, current);
    const alarms = isMissing
      ? memoKeys.alarms(
          [current],
          "it is the one on the chain now, and what is sent with it is recorded and not answered",
        )
      : [];
    if (!isMissing) memoKeys.fits();
    if (fresh.length === 0 && alarms.length === 0) return;
    await ledger.transaction(async (tx) => {
      await tx.memoKeys.add(fresh.map((publicKey) => ({ publicKey, sinceBlockNum: undefined })));
      await tx.receipts.add(alarms);
    });
    memoKeys.told(alarms);
    for (const alarm of alarms) logReceipt(log, alarm);
  }
}
