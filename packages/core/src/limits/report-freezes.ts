import { type Freeze, levelOf, type FreezeSource } from "../rules/freeze.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Log } from "@stakebts/kernel/log";

export interface FreezeWatchDeps {
  readonly ledger: Pick<Ledger, "transaction">;
  readonly log: Log;
  /** `ingester`, `scheduler`, `payer`, `console`. */
  readonly process: string;
  readonly frozenHere: () => readonly Freeze[];
  /** Told at every look, also when the database is away. */
  readonly onLook?: (freezes: readonly Freeze[]) => void;
}

const LOCAL_SOURCES = ["environment", "file"] as const satisfies readonly FreezeSource[];

/**
 * Says what is frozen in one process alone, to those who cannot look into it: in its log at once, and as a receipt when the
 * database answers. Decides nothing: whoever signs or decides looks for himself.
 */
export class FreezeWatch {
  readonly #deps: FreezeWatchDeps;
  #logged = "";
  #written = "";

  constructor(deps: FreezeWatchDeps) {
    this.#deps = deps;
  }

  /** One look. Throws when the database does not answer; the next one says it then. */
  async look(): Promise<void> {
    const { ledger, log, process, frozenHere, onLook } = this.#deps;
    const freezes = frozenHere();
    onLook?.(freezes);
    const state = JSON.stringify(freezes);
    if (state === this.#logged && state === this.#written) return;
    const isFrozen = freezes.length > 0;
    const event = isFrozen ? "process.frozen" : "process.thawed";
    const details = {
      ...Object.fromEntries(
        LOCAL_SOURCES.map((source) => [
          source,
          levelOf(freezes.filter((freeze) => freeze.source === source)) ?? null,
        ]),
      ),
      ...(isFrozen ? { reason: freezes.map(({ reason }) => reason).join("; and ") } : {}),
    };
    const isNews = this.#logged !== "" || isFrozen;
    if (state !== this.#logged && isNews) (isFrozen ? log.warn : log.info)(event, { process, ...details });
    this.#logged = state;
    // A process that starts has said so, which ends what the one before it had said.
    if (this.#written !== "" || isFrozen)
      await ledger.transaction((tx) => tx.receipts.add([{ event, subject: process, details }]));
    this.#written = state;
  }
}
