import { z } from "zod";
import type { ClientWithdrawalId, ExchangeWithdrawal, ExchangeWithdrawalState } from "../exchange.ts";
import { amount } from "./amount-schema.ts";
import { arrivingOf, type VenueUnits } from "./decimal.ts";

// Amounts are decimal text in real answers although the venue's schema says "number".
export const balanceAnswer = z.object({ available: amount("down") });

export const currencyAnswer = z.object({
  status: z.string(),
  /** Rounded up: what is taken must cover it. */
  txFee: amount("up"),
});

/** An entry of a list, only as far as it takes to know whether it is the one looked for and to ask for the next page. */
export const listAnswer = z.array(
  z.looseObject({ id: z.string().min(1), clientWithdrawalId: z.string().nullish() }),
);

export const withdrawalAnswer = z.object({
  id: z.string().min(1),
  clientWithdrawalId: z.string().nullish(),
  quantity: amount("down"),
  txCost: amount("up").nullish(),
  cryptoAddress: z.string(),
  cryptoAddressTag: z.string().nullish(),
  status: z.string(),
  txId: z.string().nullish(),
});
export type WithdrawalAnswer = z.infer<typeof withdrawalAnswer>;

/** Whatever is not here, NEW among it, is on its way as far as we know. */
const STATES: Readonly<Record<string, ExchangeWithdrawalState>> = {
  COMPLETED: "completed",
  CANCELLED: "cancelled",
  ERROR_INVALID_ADDRESS: "stuck",
};

/** The venue means what it was asked for by `quantity`, and takes its fee out of that. */
export const withdrawalFrom = (answer: WithdrawalAnswer, fee: VenueUnits): ExchangeWithdrawal => ({
  venueId: answer.id,
  clientId: (answer.clientWithdrawalId?.toLowerCase() as ClientWithdrawalId | undefined) ?? undefined,
  amountShares: arrivingOf(answer.quantity, fee),
  toAccount: answer.cryptoAddress,
  memo: answer.cryptoAddressTag ?? undefined,
  state: Object.hasOwn(STATES, answer.status) ? (STATES[answer.status] ?? "pending") : "pending",
  venueStatus: answer.status,
  txid: answer.txId ?? undefined,
});
