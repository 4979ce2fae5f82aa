import { assert } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import { cursorAt } from "./given.ts";

/** A new ledger takes no withdrawal until an ingester has looked at it, and has read what there was to read: as if one had. */
export async function passRecoveryHold(ledger: Ledger): Promise<void> {
  await ledger.transaction(async (tx) => {
    if ((await tx.cursor.read()) === undefined) await tx.cursor.move(undefined, cursorAt(1));
    const recoveryHold = { untilMs: millis(0), fromBlockNum: 1, reason: "the ledger was empty" };
    await tx.control.placeRecoveryHold(recoveryHold);
    assert(await tx.control.liftRecoveryHold(recoveryHold), "the ledger is past the recovery hold");
  });
}
