import * as z from "zod";
import { bts } from "@stakebts/kernel/amount";
import type { AnswerRules } from "../rules/answered.ts";
import type { MonitorLedger } from "./monitor-ledger.ts";

/** What is remembered of rules: not the terms, of which the policy file itself keeps the earlier ones. */
type Remembered = Omit<AnswerRules, "terms">;

const amount = z
  .string()
  .regex(/^\d+$/u)
  .transform((digits) => bts(BigInt(digits)));
const noteSchema = z.array(
  z.object({
    policy: z.object({
      acceptedAmounts: z.array(amount),
      invalidRequestFee: amount,
      refundAbove: amount,
    }),
    managers: z.array(z.string()),
    exchangeDepositAccount: z.string(),
  }),
);

/** More changes than operators make. */
const REMEMBERED_MAX = 100;

/**
 * The rules that watchers of this ledger have had, the present ones first. What was answered before a policy changed follows from an
 * earlier one; and the scheduler may have the new one before this process has read it.
 */
export class KnownRules {
  readonly #ledger: Pick<MonitorLedger, "lastNote" | "note">;
  readonly #subject: string;
  readonly #read: () => AnswerRules;
  #known: readonly Remembered[] | undefined;

  /** @param read the rules of this moment */
  constructor(
    ledger: Pick<MonitorLedger, "lastNote" | "note">,
    { subject, read }: { readonly subject: string; readonly read: () => AnswerRules },
  ) {
    this.#ledger = ledger;
    this.#subject = subject;
    this.#read = read;
  }

  /** Safe to call again after it has thrown. */
  async all(): Promise<readonly AnswerRules[]> {
    const present = this.#read();
    const note = this.#known === undefined ? await this.#ledger.lastNote("policy") : undefined;
    const known = this.#known ?? (note === undefined ? [] : noteSchema.parse(JSON.parse(note)));
    const others = known.filter((one) => textOf(one) !== textOf(present));
    const all = [remembered(present), ...others].slice(0, REMEMBERED_MAX);
    if (others.length === known.length)
      await this.#ledger.note("policy", this.#subject, `[${all.map(textOf).join(",")}]`);
    this.#known = all;
    return all.map((one) => ({ ...one, terms: present.terms }));
  }
}

const remembered = ({ policy, managers, exchangeDepositAccount }: Remembered): Remembered => {
  const { acceptedAmounts, invalidRequestFee, refundAbove } = policy;
  return {
    policy: { acceptedAmounts, invalidRequestFee, refundAbove },
    managers,
    exchangeDepositAccount,
  };
};

const textOf = (rules: Remembered): string =>
  JSON.stringify(remembered(rules), (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
