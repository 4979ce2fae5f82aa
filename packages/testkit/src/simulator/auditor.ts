import type { AccountId, EncryptedMemo } from "@stakebts/bitshares/chain";
import type { ChainTransaction, FakeBlock } from "./fake-chain.ts";

// The auditor has the rules of the programme in itself and believes no process: it reads the final blocks and the list of
// what people sent, and reckons for itself who is owed what. It shares no code with what it checks.

const BTS = 100_000n;
const FEE_OF_INVALID = 50n;
const KEPT_UP_TO = 10n;
const ACCEPTED = new Set(
  [25, 50, 100, 200, 250, 500, 1_000, 2_500, 5_000, 10_000].map((k) => BigInt(k) * 1_000n),
);

/** What the sender of a transfer meant by it. */
export type Intention =
  | { readonly type: "open"; readonly months: 3 | 6 | 12 }
  | { readonly type: "stop" }
  | { readonly type: "nonsense" }
  | { readonly type: "loan" }
  | { readonly type: "treasury" }
  /** A manager sends this much to the exchange (`depositBts`), or asks it for something. */
  | { readonly type: "order"; readonly depositBts: bigint | undefined };

export interface AuditTerms {
  readonly monthMs: number;
  readonly custodian: AccountId;
  readonly exchange: AccountId;
  readonly reserve: AccountId;
  readonly depositMemo: string;
  readonly manager: AccountId;
  /** Opens the custodian's memos. */
  readonly memoText: (memo: EncryptedMemo | undefined) => string | undefined;
}

/** What the auditor reads of a block, of the simulator's chain or of a real one. */
export interface AuditedBlock extends Pick<FakeBlock, "blockNum"> {
  readonly timeMs: number;
  readonly transactions: readonly AuditedTransaction[];
}
export type AuditedTransaction = Pick<
  ChainTransaction,
  "txid" | "fromId" | "toId" | "assetId" | "memo" | "isProposed"
> & {
  readonly amount: bigint;
  /** Where it stands in its block, `trx:op`; of one that a proposal paid, `trx:op.v`. Without it: what its place in the list says. */
  readonly place?: string;
};

export interface Debt {
  readonly key: string;
  readonly payee: AccountId;
  readonly shares: bigint;
  readonly dueMs: number;
}

/** What became of an incoming transfer, in the ledger's word for it. */
export type Incoming =
  | "agreement_opened"
  | "stopped"
  | "refunded"
  | "kept"
  | "treasury_deposit"
  | "loan"
  | "admin_request"
  | "foreign_asset";

interface OpenAgreement {
  readonly at: string;
  readonly sender: AccountId;
  readonly amount: bigint;
  readonly startMs: number;
  readonly endMs: number;
  stopped: boolean;
}

export interface Reckoning {
  /** By its name. */
  readonly debts: ReadonlyMap<string, Debt>;
  /** By operation, `block:trx:op`. */
  readonly incoming: ReadonlyMap<string, Incoming>;
  /** For those of whom an operator has cancelled the payout of a principal: see {@link auditPayments}. */
  readonly bounds: Bounds;
  /** Amounts that managers ordered to the exchange. */
  readonly deposits: readonly bigint[];
  readonly outgoing: readonly Outgoing[];
}

interface Bounds {
  /** Shares that each sender has put into agreements. */
  readonly principal: ReadonlyMap<AccountId, bigint>;
  /** Everything that could ever be owed under a name, whether a stop took it away or not; of a stop the most. */
  readonly most: ReadonlyMap<string, Debt>;
}

export interface Outgoing {
  readonly at: string;
  readonly timeMs: number;
  readonly transaction: AuditedTransaction;
}

/** Who is owed what for what the final blocks hold, by the rules alone. */
export function reckon(
  blocks: readonly AuditedBlock[],
  intentions: ReadonlyMap<string, Intention>,
  terms: AuditTerms,
): Reckoning {
  const debts = new Map<string, Debt>();
  const incoming = new Map<string, Incoming>();
  const deposits: bigint[] = [];
  const outgoing: Outgoing[] = [];
  const agreements: OpenAgreement[] = [];
  const principal = new Map<AccountId, bigint>();
  const most = new Map<string, Debt>();
  for (const { blockNum, timeMs, transactions } of blocks)
    for (const [index, transaction] of transactions.entries()) {
      const place = transaction.place ?? `${index}:${transaction.isProposed === true ? "0.1" : "0"}`;
      const at = `${blockNum}:${place}`;
      if (transaction.fromId === terms.custodian) {
        outgoing.push({ at, timeMs, transaction });
        continue;
      }
      if (transaction.toId !== terms.custodian) continue;
      const { fromId: payee, amount: sentShares } = transaction;
      const amount = sentShares / BTS;
      const atMost = (key: string, bts: bigint, dueMs: number): Debt => {
        const debt = { key, payee, shares: bts * BTS, dueMs };
        if (debt.shares > (most.get(key)?.shares ?? 0n)) most.set(key, debt);
        return debt;
      };
      const createPayouts = (key: string, bts: bigint, dueMs: number) =>
        debts.set(key, atMost(key, bts, dueMs));
      const refund = (): Incoming => {
        if (amount - FEE_OF_INVALID <= KEPT_UP_TO) return "kept";
        createPayouts(`refund:${at}`, amount - FEE_OF_INVALID, timeMs);
        return "refunded";
      };
      const answer = (): Incoming => {
        if (transaction.assetId !== "1.3.0") return "foreign_asset";
        const intention: Intention =
          payee === terms.reserve ? { type: "treasury" } : (intentions.get(transaction.txid) as Intention);
        if (payee === terms.exchange) return "treasury_deposit";
        switch (intention.type) {
          case "treasury":
            return "treasury_deposit";
          case "open": {
            if (!ACCEPTED.has(amount)) return refund();
            const { months } = intention;
            createPayouts(`confirm:${at}`, 1n, timeMs);
            for (let n = 1; n <= months; n++)
              createPayouts(`reward:${at}:${n}`, (amount * 8n) / 100n, timeMs + n * terms.monthMs);
            const endMs = timeMs + months * terms.monthMs;
            createPayouts(`base:${at}`, amount, endMs);
            principal.set(payee, (principal.get(payee) ?? 0n) + amount * BTS);
            agreements.push({ at, sender: payee, amount, startMs: timeMs, endMs, stopped: false });
            return "agreement_opened";
          }
          case "stop": {
            const open = agreements.filter((a) => a.sender === payee && !a.stopped && a.endMs > timeMs);
            const everything = agreements.filter((a) => a.sender === payee);
            atMost(
              `stop:${at}`,
              everything.reduce((sum, a) => sum + a.amount, 0n),
              timeMs,
            );
            atMost(`refund:${at}`, amount, timeMs);
            if (open.length === 0) return refund();
            for (const agreement of open) {
              agreement.stopped = true;
              debts.delete(`base:${agreement.at}`);
              for (let n = 1; n <= 12; n++)
                if (agreement.startMs + n * terms.monthMs > timeMs)
                  debts.delete(`reward:${agreement.at}:${n}`);
            }
            createPayouts(
              `stop:${at}`,
              open.reduce((sum, a) => sum + a.amount - (a.amount * 15n) / 100n, 0n),
              timeMs,
            );
            if (amount > 1n) createPayouts(`refund:${at}`, amount, timeMs);
            return "stopped";
          }
          case "loan":
            return payee === terms.manager ? "loan" : refund();
          case "order":
            if (payee !== terms.manager) return refund();
            if (intention.depositBts !== undefined) deposits.push(intention.depositBts * BTS);
            return "admin_request";
          case "nonsense":
            return refund();
        }
      };
      incoming.set(at, answer());
    }
  return { debts, incoming, deposits, outgoing, bounds: { principal, most } };
}

/**
 * What is wrong with what was paid so far: paid twice, not owed, to another account, too much, too early. Returns the names
 * of the debts that are settled.
 * @param handled people of whom an operator has cancelled the payout of a principal. Which later stop takes it up, and
 *   what that aborts, depends on the moment, which the chain does not show: their payments are held against bounds. No
 *   name twice, under each no more than it can ever be worth, and no more principal than they gave.
 */
export function auditPayments(
  { debts, deposits, outgoing, bounds }: Reckoning,
  terms: AuditTerms,
  handled: ReadonlySet<AccountId>,
): { readonly wrong: readonly string[]; readonly settled: ReadonlySet<string> } {
  const wrong: string[] = [];
  const settled = new Map<string, string>();
  const depositsLeft = [...deposits];
  const returned = new Map<AccountId, bigint>();
  for (const { at, timeMs, transaction } of outgoing) {
    const { toId, amount, memo } = transaction;
    const text = terms.memoText(memo);
    if (toId === terms.exchange && text === terms.depositMemo) {
      const index = depositsLeft.indexOf(amount);
      if (index === -1) wrong.push(`paid without an order: ${at} sends ${amount} shares to the exchange`);
      else depositsLeft.splice(index, 1);
      continue;
    }
    const key = nameIn(text);
    if (key === undefined) {
      wrong.push(`paid for nothing: ${at} sends ${amount} shares to ${toId} with the memo ${text}`);
      continue;
    }
    const before = settled.get(key);
    if (before !== undefined) wrong.push(`paid twice: ${key} by ${before} and by ${at}`);
    settled.set(key, at);
    const isNotice = key.startsWith("notice:");
    const name = isNotice ? key.slice("notice:".length) : key;
    if (!isNotice && /^(?:base|stop):/u.test(key)) returned.set(toId, (returned.get(toId) ?? 0n) + amount);
    const isBounded = handled.has(toId);
    const debt = isBounded ? bounds.most.get(name) : debts.get(name);
    if (debt === undefined) wrong.push(`paid and not owed: ${key} by ${at}, ${amount} shares to ${toId}`);
    else if (debt.payee !== toId)
      wrong.push(`paid to another account: ${key} by ${at}: ${toId}, not ${debt.payee}`);
    else if (isNotice ? amount !== BTS : isBounded ? amount > debt.shares : amount !== debt.shares)
      wrong.push(`paid another amount: ${key} by ${at}: ${amount} shares, not ${debt.shares}`);
    else if (timeMs < debt.dueMs) wrong.push(`paid too early: ${key} by ${at}`);
  }
  for (const [id, amount] of returned)
    if (amount > (bounds.principal.get(id) ?? 0n))
      wrong.push(`more principal returned than given: ${amount} shares to ${id}`);
  return { wrong, settled: new Set(settled.keys()) };
}

/** The debt that a memo names. */
function nameIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const { payout } = JSON.parse(text) as { payout?: unknown };
    return typeof payout === "string" ? payout : undefined;
  } catch {
    return undefined;
  }
}
