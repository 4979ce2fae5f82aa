import { assert } from "@stakebts/kernel/assert";
import type { ReplayOrder, ReplaysTx } from "@stakebts/core/ledger/ledger";
import { receiptsIn } from "./receipts.ts";
import type { Clock, State } from "./state.ts";

export const openReplayIn = (state: State): ReplayOrder | undefined =>
  state.replays.find(({ endedAtMs }) => endedAtMs === undefined);

/** The functions `order_replay` and `end_replay` of the database, and what an ingester writes there. */
export const replaysIn = (state: State, clock: Clock): ReplaysTx => {
  const put = (order: ReplayOrder) =>
    (state.replays = [...state.replays.filter(({ id }) => id !== order.id), order]);
  const open = (id: bigint) => state.replays.find((one) => one.id === id && one.endedAtMs === undefined);
  return {
    async order({ from, to }, receipt) {
      assert(
        from >= 1 && to >= from && to - from < 1_000_000 && to <= (state.cursor?.blockNum ?? 0),
        `blocks ${from} to ${to} are not at most a million that the cursor has passed`,
      );
      if (openReplayIn(state) !== undefined) return undefined;
      const [actor, reason] = [String(receipt.details["actor"]), String(receipt.details["reason"])];
      const id = BigInt(state.replays.length + 1);
      const never = { startedAtMs: undefined, endedAtMs: undefined, endedBy: undefined, remark: undefined };
      const at = { nextBlock: from, transfersAdded: 0, orderedAtMs: clock.nowMs() };
      put({ id, from, to, actor, reason, ...at, ...never });
      const details = { ...receipt.details, blocks: to - from + 1 };
      await receiptsIn(state).add([{ ...receipt, subject: `${from}-${to}`, details }]);
      return id;
    },
    async end(id, receipt) {
      const order = open(id);
      if (order === undefined) return false;
      const [endedBy, remark] = [String(receipt.details["actor"]), String(receipt.details["reason"])];
      put({ ...order, endedAtMs: clock.nowMs(), endedBy, remark });
      const details = { readUpTo: order.nextBlock - 1, transfersAdded: order.transfersAdded };
      await receiptsIn(state).add([
        { ...receipt, subject: `${order.from}-${order.to}`, details: { ...receipt.details, ...details } },
      ]);
      return true;
    },
    async progress(id, { nextBlock, transfersAdded, remark, isOver }) {
      const order = open(id);
      if (order === undefined) return false;
      const startedAtMs = order.startedAtMs ?? (remark === undefined ? clock.nowMs() : undefined);
      put({
        ...order,
        nextBlock,
        transfersAdded,
        remark,
        startedAtMs,
        endedAtMs: isOver ? clock.nowMs() : undefined,
      });
      return true;
    },
  };
};
