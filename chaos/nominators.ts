import { DevnetWallet, WalletRefusal, wifFromSeed } from "@stakebts/devnet";
import type { Intention } from "@stakebts/testkit/simulator/auditor";
import type { Prng } from "@stakebts/testkit/simulator/prng";

export const CUSTODIAN = "custodian";
export const NOMINATORS = Array.from({ length: 8 }, (_, n) => `nominator-${n + 1}`);
const SHARES_PER_BTS = 100_000n;
/** Chain seconds: long enough to come back after a fork, short enough to be decided soon. */
export const SENDING_LIFE_SECONDS = 300;

export interface Sending {
  /** Since the round began. */
  readonly atMs: number;
  readonly from: string;
  readonly amountBts: bigint;
  readonly memo: string | undefined;
  readonly means: Intention;
}

/** So much at once: more than what is owed otherwise in a round, and dear enough that it is sent back. */
const JUNK = 60;
const MEMOS = { 3: "three_months", 6: "six_months", 12: "twelve_months" } as const;

/** What the nominators do in one round: nominations, of which the long ones are stopped, requests that make no sense, and now and then much of that at once. */
export function planSendings(prng: Prng, { lengthMs }: { lengthMs: number }): readonly Sending[] {
  const sendings: Sending[] = [];
  const open = (from: string, atMs: number, months: 3 | 6 | 12) =>
    sendings.push({
      atMs,
      from,
      amountBts: prng.pick([25_000n, 50_000n, 100_000n]),
      memo: prng.chance(0.3) ? `{"type":"${MEMOS[months]}"}` : MEMOS[months],
      means: { type: "open", months },
    });
  for (const from of NOMINATORS.slice(0, 3)) open(from, prng.int(0, 1_000), 3);
  for (const from of NOMINATORS.slice(3, 5)) {
    const atMs = prng.int(0, 1_500);
    open(from, atMs, prng.pick([6, 12]));
    if (prng.chance(0.5)) open(from, atMs + prng.int(200, 2_000), 12);
    const amountBts = prng.pick([1n, 1n, 5n]);
    const stopMs = Math.max(lengthMs - prng.int(0, 4_000), atMs + 2_500);
    sendings.push({ atMs: stopMs, from, amountBts, memo: "stop", means: { type: "stop" } });
  }
  for (let count = prng.int(2, 4); count > 0; count--)
    sendings.push({
      atMs: prng.int(0, lengthMs),
      from: prng.pick(NOMINATORS.slice(5)),
      ...prng.pick<Pick<Sending, "amountBts" | "memo" | "means">>([
        { amountBts: 25_000n, memo: "seven_months", means: { type: "nonsense" } },
        { amountBts: 99n, memo: "six_months", means: { type: "open", months: 6 } },
        { amountBts: 60n, memo: undefined, means: { type: "nonsense" } },
        { amountBts: 120n, memo: "stop", means: { type: "stop" } },
        { amountBts: 500n, memo: '{"type":"loan_to_bmg"}', means: { type: "loan" } },
      ]),
    });
  if (prng.chance(0.3)) {
    const atMs = prng.int(0, lengthMs);
    const junk = { from: NOMINATORS.at(-1) as string, amountBts: 51n, means: { type: "nonsense" } } as const;
    for (let count = 0; count < JUNK; count++) sendings.push({ ...junk, atMs, memo: `junk ${count}` });
  }
  return sendings.sort((a, b) => a.atMs - b.atMs);
}

/** The wallets of all nominators, and what each transfer that they have signed was meant to be. */
export class Nominators {
  /** By the signature, which is how the auditor finds it in a block. */
  readonly intentions = new Map<string, Intention>();
  readonly #wallets = new Map<string, DevnetWallet>();
  readonly #nodeUrl: string;

  constructor(nodeUrl: string) {
    this.#nodeUrl = nodeUrl;
  }

  async send({ from, amountBts, memo, means }: Sending): Promise<void> {
    const wallet = this.#wallet(from);
    const { transaction } = await wallet.sign({
      to: CUSTODIAN,
      amountShares: amountBts * SHARES_PER_BTS,
      expirationSeconds: SENDING_LIFE_SECONDS,
      ...(memo === undefined ? {} : { memo }),
    });
    const wire = transaction.wire() as unknown as { readonly signatures: readonly string[] };
    this.intentions.set(wire.signatures[0] as string, means);
    await wallet.call("network_broadcast", "broadcast_transaction", [wire]).catch((error: unknown) => {
      // Refused, or not: whether it counts is seen in the blocks.
      if (!(error instanceof WalletRefusal)) throw error;
    });
  }

  close(): void {
    for (const wallet of this.#wallets.values()) wallet.close();
  }

  #wallet(name: string): DevnetWallet {
    const known = this.#wallets.get(name);
    if (known !== undefined) return known;
    const wallet = new DevnetWallet({
      url: this.#nodeUrl,
      name,
      activeKey: wifFromSeed(`${name}-active`),
      memoKey: wifFromSeed(`${name}-memo`),
    });
    this.#wallets.set(name, wallet);
    return wallet;
  }
}
