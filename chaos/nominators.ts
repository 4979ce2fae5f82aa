import { setTimeout as delay } from "node:timers/promises";
import { DevnetWallet, WalletRefusal, type WalletTransfer, wifFromSeed } from "@stakebts/devnet";
import type { AuditTerms, Intention } from "@stakebts/testkit/simulator/auditor";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import { accountIdOf, headBlockNum, proposalMadeBy } from "./chain-watch.ts";

export const CUSTODIAN = "custodian";
export const NOMINATORS = Array.from({ length: 8 }, (_, n) => `nominator-${n + 1}`);
/** They end their agreements. */
const STOPPING = NOMINATORS.slice(3, 5);
const SHARES_PER_BTS = 100_000n;
/** Chain seconds: long enough to come back after a fork, short enough to be decided soon. */
export const SENDING_LIFE_SECONDS = 300;
/** Chain seconds until a proposal with a review is carried out. */
const REVIEW_SECONDS = 60;
/** Until a proposal is in a block of this node, so that it can be approved. */
const PROPOSED_MS_MAX = 3_000;

export interface Sending {
  /** Since the round began. */
  readonly atMs: number;
  readonly from: string;
  readonly amountBts: bigint;
  readonly memo: string | undefined;
  readonly means: Intention;
  /** Another account proposes the transfer, and the sender approves it, as an account with several signatures pays. */
  readonly proposal?: "at its approval" | "at its expiration" | undefined;
  /** So many such transfers in that one proposal; 1 if not said. */
  readonly transfers?: number | undefined;
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
  for (const from of STOPPING) {
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
  return sendings
    .map((sending) => (isProposable(sending) ? { ...sending, ...drawProposal(prng, sending) } : sending))
    .sort((a, b) => a.atMs - b.atMs);
}

/**
 * The memo tells them apart. What proposals pay is in the account's history, which may be read later than the block, and so it is answered
 * late at times: not a nomination that is stopped, whose stop would come first.
 */
const isProposable = ({ memo, means, from }: Sending): boolean =>
  memo !== undefined && !(means.type === "open" && isStopped(from)) && !memo.startsWith("junk");

const isStopped = (from: string): boolean => STOPPING.includes(from);

function drawProposal(prng: Prng, { means }: Sending): Pick<Sending, "proposal" | "transfers"> {
  if (!prng.chance(0.35)) return {};
  return {
    proposal: prng.pick(["at its approval", "at its approval", "at its expiration"]),
    // A second stop would find nothing to end.
    transfers: means.type !== "stop" && prng.chance(0.4) ? prng.int(2, 4) : 1,
  };
}

/** The wallets of all nominators, and what each transfer that they have signed was meant to be. */
export class Nominators {
  /** By the signature, which is how the auditor finds it in a block. */
  readonly intentions = new Map<string, Intention>();
  /** Whose stop has come by a proposal: which rewards fall due before it is read depends on the moment. */
  readonly stoppedByProposal = new Set<AuditTerms["custodian"]>();
  readonly #wallets = new Map<string, DevnetWallet>();
  readonly #proposing = new Set<Promise<void>>();
  readonly #nodeUrl: string;

  constructor(nodeUrl: string) {
    this.#nodeUrl = nodeUrl;
  }

  async send(sending: Sending): Promise<void> {
    const { from, amountBts, memo, means, proposal } = sending;
    const transfer = {
      to: CUSTODIAN,
      amountShares: amountBts * SHARES_PER_BTS,
      expirationSeconds: SENDING_LIFE_SECONDS,
      ...(memo === undefined ? {} : { memo }),
    };
    if (proposal === undefined) {
      await this.#broadcast(from, await this.#wallet(from).sign(transfer), means);
      return;
    }
    if (means.type === "stop" && isStopped(from))
      this.stoppedByProposal.add(await accountIdOf(this.#wallet(from)));
    const proposing = this.#propose(sending, transfer).finally(() => this.#proposing.delete(proposing));
    this.#proposing.add(proposing);
    proposing.catch(() => undefined); // `allApproved` waits for it and gets the error.
  }

  /** Until each proposal is approved. */
  async allApproved(): Promise<void> {
    await Promise.all(this.#proposing);
  }

  async #propose({ from, means, proposal, transfers = 1 }: Sending, transfer: WalletTransfer): Promise<void> {
    const proposer = NOMINATORS.find((name) => name !== from) as string;
    const isReviewed = proposal === "at its expiration";
    const fromBlockNum = await headBlockNum(this.#nodeUrl);
    const signed = await this.#wallet(proposer).signProposal(
      this.#wallet(from),
      Array.from({ length: transfers }, () => transfer),
      {
        expirationSeconds: isReviewed ? REVIEW_SECONDS : SENDING_LIFE_SECONDS,
        isReviewed,
      },
    );
    const signature = await this.#broadcast(proposer, signed, means);
    for (const sinceMs = Date.now(); Date.now() - sinceMs < PROPOSED_MS_MAX; await delay(50)) {
      const id = await proposalMadeBy(this.#nodeUrl, { signature, fromBlockNum });
      if (id === undefined) continue;
      await ignoreRefusal(this.#wallet(from).approve(id));
      return;
    }
  }

  /** Answers the signature by which the auditor knows it. */
  async #broadcast(
    by: string,
    { transaction }: Awaited<ReturnType<DevnetWallet["sign"]>>,
    means: Intention,
  ): Promise<string> {
    const wire = transaction.wire() as unknown as { readonly signatures: readonly string[] };
    const signature = wire.signatures[0] as string;
    this.intentions.set(signature, means);
    await ignoreRefusal(this.#wallet(by).call("network_broadcast", "broadcast_transaction", [wire]));
    return signature;
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

/** Refused, or not: whether it counts is seen in the blocks. */
async function ignoreRefusal(sent: Promise<unknown>): Promise<void> {
  await sent.catch((error: unknown) => {
    if (!(error instanceof WalletRefusal)) throw error;
  });
}
