import { TOP_UP_MOVES } from "../twins/moves.ts";
import { assert } from "@stakebts/kernel/assert";
import { OPEN_TOP_UP_STATUSES, type TopUpId, type TopUpStatus } from "@stakebts/core/rules/top-up";
import type {
  IdentifiedTopUp,
  TopUpChange,
  TopUpFilter,
  TopUpRecord,
  TopUpsTx,
} from "@stakebts/core/ledger/ledger";
import type { Clock, State } from "./state.ts";

function select(
  state: State,
  { statuses, kinds, sources, txids, limit = Number.POSITIVE_INFINITY }: TopUpFilter,
): readonly TopUpRecord[] {
  const found = [...state.topUps.values()].filter(
    (topUp) =>
      (statuses?.includes(topUp.status) ?? true) &&
      (kinds?.includes(topUp.kind) ?? true) &&
      (sources?.includes(topUp.source) ?? true) &&
      (txids === undefined || (topUp.txid !== undefined && txids.includes(topUp.txid))),
  );
  return found.slice(Math.max(0, found.length - limit));
}

export const topUpsIn = (state: State, clock: Clock): TopUpsTx => ({
  async find(filter: TopUpFilter): Promise<readonly TopUpRecord[]> {
    return select(state, filter);
  },

  async count(filter: TopUpFilter): Promise<number> {
    return select(state, filter).length;
  },

  async insert(topUp: IdentifiedTopUp): Promise<boolean> {
    const old = state.topUps.get(topUp.id);
    assert(
      old === undefined ||
        (old.source === topUp.source && old.amount === topUp.amount && old.memo === topUp.memo),
      `request ${topUp.key} exists with another source, amount or memo`,
    );
    if (old !== undefined) return false;
    const open = select(state, {
      statuses: OPEN_TOP_UP_STATUSES,
      kinds: ["shortage"],
      sources: [topUp.source],
    });
    if (topUp.kind === "shortage" && open.length > 0) return false;
    state.topUps.set(topUp.id, {
      ...topUp,
      status: "requested",
      reason: undefined,
      venueId: undefined,
      venueStatus: undefined,
      txid: undefined,
      asks: 0,
      askedAtMs: undefined,
      changedAtMs: clock.nowMs(),
      signed: undefined,
      arrivedBy: undefined,
    });
    return true;
  },

  async move(
    id: TopUpId,
    from: readonly TopUpStatus[],
    to: TopUpStatus,
    change: TopUpChange = {},
  ): Promise<boolean> {
    const old = state.topUps.get(id);
    if (old === undefined || !from.includes(old.status)) return false;
    assert(
      old.status === to || TOP_UP_MOVES[old.status].includes(to),
      `request ${old.key} does not go from ${old.status} to ${to}`,
    );
    assert(old.signed === undefined || change.signed === undefined, `request ${old.key} is signed`);
    const nowMs = clock.nowMs();
    state.topUps.set(id, {
      ...old,
      status: to,
      reason: change.reason,
      venueId: change.venueId ?? old.venueId,
      venueStatus: change.venueStatus ?? old.venueStatus,
      txid: change.txid ?? old.txid,
      signed: change.signed ?? old.signed,
      arrivedBy: change.arrivedBy ?? old.arrivedBy,
      changedAtMs: nowMs,
      ...(change.isAsking === true ? { asks: old.asks + 1, askedAtMs: nowMs } : {}),
    });
    return true;
  },
});
