import { sha256 } from "./keys.ts";

/** Slots, the witness rota, and what makes a block irreversible: rules without state. */

/** UTC seconds of the `slot`-th slot after the head (1 = the next). */
export function slotTime(head: {
  time: number;
  blockIntervalSeconds: number;
  maintenanceBlock: boolean;
  maintenanceSkipSlots: number;
  slot: number;
}): number {
  const skipped = head.maintenanceBlock ? head.maintenanceSkipSlots : 0;
  return head.time + (head.slot + skipped) * head.blockIntervalSeconds;
}

/** 70 % of the active witnesses must have produced at or above a block to make it irreversible. */
export function irreversibleBlockNum(lastConfirmed: readonly number[]): number {
  const sorted = [...lastConfirmed].sort((a, b) => a - b);
  return sorted[Math.floor((3000 * sorted.length) / 10_000)] ?? 0;
}

/** Order of the witnesses for the round that begins after the block `headId`: every node computes the same. */
export function shuffledWitnesses(witnesses: readonly number[], headId: string): number[] {
  const order = [...witnesses].sort((a, b) => a - b);
  for (let i = order.length - 1; i > 0; i--) {
    const j = sha256(`${headId}:${i}`).readUInt32LE() % (i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
