import { assertNever } from "@stakebts/kernel/assert";
import { exactTimeText } from "@stakebts/kernel/text";
import { type Millis, plusMs } from "@stakebts/kernel/time";
import { isSamePerson } from "../rules/approval.ts";
import type { LimitedBy } from "../rules/limits.ts";
import type { PayoutStatus } from "../rules/payout.ts";
import type { CancelAsked } from "../ledger/ledger.ts";
import { whyNotSecond } from "./cancel-payout.ts";
import type { ConsoleRole } from "./console-access.ts";

// What a person is told about one payout: what happens next, and what can be done. Nothing is decided here: the services
// look again.

export interface PayoutState {
  readonly status: PayoutStatus;
  readonly reason: string | undefined;
  readonly limitedBy: LimitedBy | undefined;
  readonly waitingSinceMs: Millis | undefined;
  readonly attempts: number;
  /** A signed transaction that the chain may still take. */
  readonly live: { readonly txid: string; readonly expirationMs: Millis } | undefined;
  readonly requesters: readonly string[];
  /** Who wants it cancelled. */
  readonly cancelAsked: readonly CancelAsked[];
}

export interface Surroundings {
  /** Why nothing is signed; `undefined`: payments are on. */
  readonly paymentsOffBecause: string | undefined;
  readonly recoveryHoldBecause: string | undefined;
  readonly fundsWaitMs: number;
}

export interface NextStep {
  readonly text: string;
  /** Chain time at which it happens at the latest, where that is known. */
  readonly byMs?: Millis;
}

const LIMIT_TEXT: Readonly<Record<LimitedBy, string>> = {
  payment_cap: "It is larger than one payment may be",
  approval: "It is so large that a second person has to approve it",
  hour_cap: "The limit for an hour is used up",
  day_cap: "The limit for a day is used up",
};

export function nextStep(payout: PayoutState, around: Surroundings): NextStep {
  const { status, limitedBy, live, waitingSinceMs } = payout;
  const off = around.paymentsOffBecause ?? around.recoveryHoldBecause;
  switch (status) {
    case "confirmed":
      return { text: "Nothing. It is paid, and the payment is in an irreversible block." };
    case "cancelled":
      return { text: "Nothing. It was cancelled for good." };
    case "held":
      if (payout.cancelAsked.length > 0)
        return {
          text: `${payout.cancelAsked.map(({ actor }) => actor).join(" and ")} asked to cancel it. It waits until a second person cancels it too, or an operator releases it.`,
        };
      return limitedBy === undefined
        ? { text: "It waits until an operator releases it." }
        : { text: `${LIMIT_TEXT[limitedBy]}. It waits until a second person approves it.` };
    case "failed":
      return { text: "It waits until an operator requeues it, when the reason is gone." };
    case "signed":
    case "sent":
      return live === undefined
        ? { text: "The chain decides." }
        : {
            text: "The same bytes are sent again until a block holds them. If the ledger reads a later block without them, the attempt is dead and the next one is made.",
            byMs: live.expirationMs,
          };
    case "waiting_funds":
      return {
        text: "It is paid when the hot wallet holds enough, and fails if that takes too long.",
        ...(waitingSinceMs === undefined ? {} : { byMs: plusMs(waitingSinceMs, around.fundsWaitMs) }),
      };
    case "due":
    case "ready":
      if (off !== undefined) return { text: `Payments are off (${off}). It is paid when they are on again.` };
      if (limitedBy !== undefined)
        return { text: `${LIMIT_TEXT[limitedBy]}. It is paid when there is room, oldest debts first.` };
      return { text: "The payer takes it in its next step." };
    default:
      return assertNever(status);
  }
}

export const PAYOUT_ACTIONS = ["approve", "requeue", "release", "hold", "ask-to-cancel", "cancel"] as const;
export type PayoutAction = (typeof PAYOUT_ACTIONS)[number];

export interface ActionState {
  readonly action: PayoutAction;
  /** Why it cannot be done; `undefined`: it can. */
  readonly whyNot: string | undefined;
}

/** Every action, and for each why this person cannot do it now. */
export const actionsOn = (
  payout: PayoutState,
  person: { readonly name: string; readonly role: ConsoleRole },
): readonly ActionState[] =>
  PAYOUT_ACTIONS.map((action) => ({
    action,
    whyNot:
      whyNotNow(action, payout) ?? whyNotByRole(action, person.role) ?? whyNotBy(action, payout, person.name),
  }));

/** What the second of two people does. An approver may do these and nothing else. */
const SECOND: readonly PayoutAction[] = ["approve", "cancel"];

export const mayDo = (action: PayoutAction, role: ConsoleRole): boolean =>
  role === "operator" || (role === "approver" && SECOND.includes(action));

const whyNotByRole = (action: PayoutAction, role: ConsoleRole): string | undefined =>
  mayDo(action, role)
    ? undefined
    : SECOND.includes(action)
      ? "needs the role approver or operator"
      : "needs the role operator";

function whyNotBy(
  action: PayoutAction,
  { requesters, cancelAsked }: PayoutState,
  name: string,
): string | undefined {
  switch (action) {
    case "approve":
      return requesters.some((one) => isSamePerson(one, name))
        ? `${name} has given it to the payer and cannot approve it as well`
        : undefined;
    case "ask-to-cancel":
      return cancelAsked.some(({ actor }) => isSamePerson(actor, name))
        ? `${name} has asked for it already`
        : undefined;
    case "cancel":
      return whyNotSecond(cancelAsked, name);
    case "requeue":
    case "release":
    case "hold":
      return undefined;
    default:
      return assertNever(action);
  }
}

function whyNotNow(action: PayoutAction, { status, limitedBy, live }: PayoutState): string | undefined {
  if (status === "confirmed") return "it is paid";
  if (status === "cancelled") return "it was cancelled for good";
  const beingPaid =
    status !== "signed" && status !== "sent"
      ? undefined
      : live === undefined
        ? "it is being paid"
        : `a signed transaction lives until ${exactTimeText(live.expirationMs)}`;
  switch (action) {
    case "approve":
      return status === "held" && limitedBy !== undefined ? undefined : "no limit holds it";
    case "requeue":
      if (beingPaid !== undefined) return beingPaid;
      if (status === "held") return "it is held and did not fail: release it";
      return status === "failed" ? undefined : "the payer has it already";
    case "release":
      if (status !== "held") return "it is not held";
      return limitedBy === undefined ? undefined : "a limit holds it: it has to be approved";
    case "hold":
      if (beingPaid !== undefined) return beingPaid;
      return status === "held"
        ? "it is held already"
        : status === "failed"
          ? "it failed, and nothing pays it"
          : undefined;
    case "ask-to-cancel":
    case "cancel":
      return beingPaid;
    default:
      return assertNever(action);
  }
}
