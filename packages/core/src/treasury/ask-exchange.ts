import { toShares } from "@stakebts/kernel/amount";
import { assertNever } from "@stakebts/kernel/assert";
import { HOUR_MS, type Millis, MINUTE_MS, SECOND_MS } from "@stakebts/kernel/time";
import {
  clientWithdrawalId,
  type Exchange,
  exchangeDiscrepancy,
  type ExchangeWithdrawal,
  type ExchangeWithdrawalRequest,
  type ExchangeWithdrawAnswer,
} from "./exchange.ts";
import type { TopUpRecord } from "../ledger/ledger.ts";
import { arrivedBefore, moveTopUp, startAsking } from "./move-top-up.ts";
import type { TreasuryDeps } from "./treasury.ts";

/** Venues remember a client id for a day; the same request is not repeated for quite that long. Chain time. */
const REPEAT_MS_MAX = 20 * HOUR_MS;
/** A request that no list shows after this long has not been taken, or hides well. Host time. */
const TURNS_UP_MS_MAX = 15 * MINUTE_MS;
/** Between two questions about the same request: doubled from the first to the last. Host time. */
const AGAIN_MS_MIN = 10 * SECOND_MS;
const AGAIN_MS_MAX = 5 * MINUTE_MS;
/** Between two looks at what a source has accepted. Host time. */
const LOOK_MS = 30 * SECOND_MS;

/**
 * Takes one request at an exchange a step further. Its outcome is never guessed:
 * - before it is asked for the first time it is looked for, because a ledger that was restored may have asked already;
 * - an unknown outcome is asked again under the same id where the venue drops the second, and looked for where not;
 * - money counts when an irreversible block has brought it, which is not seen here but in the event step.
 */
export async function askExchange(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  exchange: Exchange,
  chainNowMs: Millis,
): Promise<void> {
  const request: ExchangeWithdrawalRequest = {
    clientId: clientWithdrawalId(topUp.id),
    amountShares: toShares(topUp.amount),
    toAccount: deps.custodian.name,
    memo: topUp.memo,
  };
  switch (topUp.status) {
    case "requested":
      return begin(deps, topUp, exchange, request);
    case "asked":
      return exchange.repeatable && chainNowMs - topUp.requestedMs < REPEAT_MS_MAX
        ? repeat(deps, topUp, exchange, request)
        : lookFor(deps, topUp, exchange, request);
    case "accepted":
    case "unresolved":
      return lookFor(deps, topUp, exchange, request);
    case "arrived":
    case "refused":
    case "cancelled":
      return;
    default:
      return assertNever(topUp.status);
  }
}

/**
 * Is it time to ask about a request again? Each question is rarer than the last, what is accepted is looked at steadily.
 * @param lookedAtMs when this process did last, host time like `nowMs`
 */
export function isTimeToAsk(
  { status, asks }: Pick<TopUpRecord, "status" | "asks">,
  lookedAtMs: number | undefined,
  nowMs: number,
): boolean {
  if (lookedAtMs === undefined || nowMs < lookedAtMs) return true; // A host clock that was set back stops nothing.
  const rarer = Math.min(AGAIN_MS_MAX, AGAIN_MS_MIN * 2 ** Math.min(10, Math.max(0, asks - 1)));
  const waitMs = status === "accepted" ? LOOK_MS : status === "unresolved" ? AGAIN_MS_MAX : rarer;
  return nowMs - lookedAtMs >= waitMs;
}

async function begin(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  exchange: Exchange,
  request: ExchangeWithdrawalRequest,
): Promise<void> {
  const found = await exchange.find(request.clientId);
  if (found.type === "found") return adopt(deps, topUp, request, found.withdrawal);
  if (found.type === "unknown") {
    deps.log.warn("top_up.not_looked_up", { topUp: topUp.key, message: found.message });
    return;
  }
  if (!(await startAsking(deps, topUp))) return;
  const asked = { ...topUp, status: "asked", asks: topUp.asks + 1 } as const;
  await hear(deps, asked, request, await exchange.withdraw(request));
}

async function repeat(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  exchange: Exchange,
  request: ExchangeWithdrawalRequest,
): Promise<void> {
  if (!(await startAsking(deps, topUp))) return;
  const answer = await exchange.withdraw(request);
  // A refusal says nothing of the call before this one, whose outcome is not known.
  if (answer.type === "refused") return lookFor(deps, topUp, exchange, request, answer.message);
  await hear(deps, topUp, request, answer);
}

/** The answer to the first question, or one that settles an earlier one. */
async function hear(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  request: ExchangeWithdrawalRequest,
  answer: ExchangeWithdrawAnswer,
): Promise<void> {
  switch (answer.type) {
    case "accepted":
      if (answer.withdrawal !== undefined) return adopt(deps, topUp, request, answer.withdrawal);
      await moveTopUp(deps, topUp, "accepted", { event: "top_up.accepted" });
      return;
    case "unknown":
      await moveTopUp(deps, topUp, "asked", {
        event: "top_up.unanswered",
        reason: `no answer yet: ${answer.message}`,
      });
      return;
    case "refused": {
      const reason = `${answer.reason}: ${answer.message}`;
      if (answer.reason === "client_id_taken")
        await moveTopUp(deps, topUp, "unresolved", { event: "top_up.unresolved", reason });
      // It did not get as far as the venue's books: nothing has moved, and it is asked for again in a while.
      else if (answer.reason === "unreachable" || answer.reason === "throttled")
        await moveTopUp(deps, topUp, "requested", { event: "top_up.postponed", reason });
      else
        await moveTopUp(deps, topUp, "refused", {
          // A shortage is looked at again, elsewhere or later. A manager's order is not: he has to hear that nothing moved.
          event: answer.permanent || topUp.kind === "admin" ? "top_up.rejected" : "top_up.refused",
          reason,
        });
      return;
    }
    default:
      return assertNever(answer);
  }
}

async function lookFor(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  exchange: Exchange,
  request: ExchangeWithdrawalRequest,
  refusal?: string,
): Promise<void> {
  const found = await exchange.find(request.clientId);
  switch (found.type) {
    case "found":
      return adopt(deps, topUp, request, found.withdrawal);
    case "unknown":
      deps.log.warn("top_up.not_looked_up", { topUp: topUp.key, message: found.message });
      return;
    case "absent":
      break;
    default:
      return assertNever(found);
  }
  const reason =
    refusal === undefined
      ? "the source does not show it in its lists"
      : `the source does not show it, and refuses it now: ${refusal}`;
  const silentMs = deps.clock.nowMs() - (topUp.askedAtMs ?? 0);
  // While it is repeated it is not given up; otherwise it had its time to turn up.
  if (topUp.status === "asked" && refusal === undefined && silentMs > TURNS_UP_MS_MAX)
    await moveTopUp(deps, topUp, "unresolved", { event: "top_up.unresolved", reason });
  else if (topUp.status === "accepted" && topUp.reason !== reason)
    await moveTopUp(deps, topUp, "accepted", { event: "top_up.vanished", reason });
  else if (topUp.status === "asked" && topUp.reason !== reason)
    await moveTopUp(deps, topUp, "asked", { event: "top_up.unanswered", reason });
}

/** What the source says it holds under our id, no matter who asked for it and when. */
async function adopt(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  request: ExchangeWithdrawalRequest,
  withdrawal: ExchangeWithdrawal,
): Promise<void> {
  const { venueId, venueStatus, txid } = withdrawal;
  const told = { venueId, venueStatus, txid };
  if (withdrawal.state === "cancelled") {
    await moveTopUp(deps, await asAsked(deps, topUp), "cancelled", {
      ...told,
      event: "top_up.cancelled",
      reason: `the source says ${venueStatus}`,
    });
    return;
  }
  const discrepancy = exchangeDiscrepancy(request, withdrawal);
  const isNews = topUp.status !== "accepted" || topUp.venueStatus !== venueStatus || topUp.txid !== txid;
  if (!isNews) return;
  const stuck = withdrawal.state === "stuck";
  const event = stuck
    ? "top_up.stuck"
    : discrepancy !== undefined
      ? "top_up.differs"
      : topUp.status === "accepted"
        ? "top_up.advanced"
        : "top_up.accepted";
  const reason = stuck ? `it stays at the source as ${venueStatus} until a person acts there` : discrepancy;
  const before = topUp.status === "accepted" ? topUp : await asAsked(deps, topUp);
  if (await moveTopUp(deps, before, "accepted", { ...told, event, reason }))
    await arriveLate(deps, { ...topUp, status: "accepted", txid });
}

/** A request that was found before it was asked for goes the same way as others: it was asked for. */
async function asAsked({ ledger }: TreasuryDeps, topUp: TopUpRecord): Promise<TopUpRecord> {
  if (topUp.status !== "requested") return topUp;
  await ledger.transaction((tx) => tx.topUps.move(topUp.id, ["requested"], "asked"));
  return { ...topUp, status: "asked" };
}

/** Its money may be here already, from before the ledger knew of the request. */
async function arriveLate({ ledger }: TreasuryDeps, topUp: TopUpRecord): Promise<void> {
  await ledger.transaction(async (tx) => {
    await tx.lockEvents();
    const transfer = await arrivedBefore(tx, topUp, topUp.txid);
    if (transfer === undefined) return;
    const arrivedBy = transfer.operation;
    if (!(await tx.topUps.move(topUp.id, ["accepted"], "arrived", { arrivedBy }))) return;
    await tx.receipts.add([
      {
        event: "top_up.arrived",
        subject: topUp.key,
        chainTimeMs: transfer.blockTimeMs,
        details: {
          sender: transfer.sender,
          amountShares: `${transfer.amount}`,
          txid: transfer.txid ?? null,
        },
      },
    ]);
  });
}
