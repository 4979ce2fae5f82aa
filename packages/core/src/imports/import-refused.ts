import type { LedgerTx } from "../ledger/ledger.ts";

/**
 * The import may not go on: what is wrong, and what to do. Thrown and not returned, because it may be found inside a
 * transaction, of which nothing may happen then.
 */
export class ImportRefused extends Error {
  override readonly name = "ImportRefused";
  readonly todo: string;
  constructor(message: string, todo: string) {
    super(message);
    this.todo = todo;
  }
}

/** An import writes debts of years at once. None of them may be paid before a person has looked at them. */
export async function needPaymentsOff(tx: Pick<LedgerTx, "control">): Promise<void> {
  if ((await tx.control.lock()).payments.on)
    throw new ImportRefused(
      "payments are on, and what an import finds would be paid before a person has looked at it",
      "`stakebts payments off --reason import`, repeat this, look at what is owed, then `stakebts payments on`",
    );
}

/** How far a long piece of work is: units done and in all. */
export type OnProgress = (done: number, total: number) => void;
