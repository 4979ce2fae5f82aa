import { InvalidArgumentError } from "commander";
import type { PayoutId, PayoutKey } from "@stakebts/core/rules/payout";
import { payoutId } from "@stakebts/core/ledger/ids";

/** A payout as the operator named it. The id follows from the key, so that neither has to be looked up. */
export interface PayoutReference {
  readonly text: string;
  readonly id: PayoutId;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;
const KEY = /^(?:notice:)?[a-z]+:\d+:\d+:\d+(?::\d+)?$/u;

export function payoutReference(text: string): PayoutReference {
  if (UUID.test(text)) return { text, id: text.toLowerCase() as PayoutId };
  if (KEY.test(text)) return { text, id: payoutId(text as PayoutKey) };
  throw new InvalidArgumentError(
    "Expected a payout's key, such as reward:60692861:0:0:1, or its id; `stakebts payouts list` shows both.",
  );
}
