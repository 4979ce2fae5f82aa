import { auditPayments, reckon } from "./auditor.ts";
import { compareWithChain } from "@stakebts/core/rebuild/compare-with-chain";
import { RebuildRefused } from "@stakebts/core/rebuild/rebuild-ledger";
import { MemoryLedger } from "../memory-ledger.ts";
import { wholeMemoryLedger } from "../memory-ledger-contents.ts";
import { readDeps } from "./processes.ts";
import type { Simulation } from "./simulation.ts";

// Holds the chain and the ledger of a simulation against what the auditor reckons.

const SHARES = 100_000n;

/** What the chain holds against what the rules say. */
export async function audit(simulation: Simulation): Promise<void> {
  await auditSum(simulation);
  const reckoning = reckon(simulation.chain.finalBlocks(), simulation.intentions, simulation.auditTerms);
  for (const what of auditPayments(reckoning, simulation.auditTerms, simulation.handled).wrong)
    simulation.report(what);
  const asked = new Set<unknown>();
  for (const { clientId } of simulation.exchange.withdrawals) {
    if (asked.has(clientId)) simulation.report(`asked twice of the exchange: ${String(clientId)}`);
    asked.add(clientId);
  }
  for (const { event, subject, details } of simulation.ledger.contents.receipts)
    if (
      (event === "ledger.contradicted" && !isOfMissingKey(simulation, details)) ||
      event === "chain.disagrees"
    )
      simulation.report(
        `${event}: ${subject}: ${String(details["reason"] ?? "the nodes have another block")}`,
      );
}

/** A ledger that was lost finds payments that it does not know and cannot read, until it has the key: then a person has to look. */
const isOfMissingKey = (
  { hasForgotten }: Simulation,
  { reason }: Readonly<Record<string, unknown>>,
): boolean => hasForgotten && String(reason).includes("STAKEBTS_MEMO_KEY");

/**
 * Σ owed = Σ on the chain + Σ still due: up to the ledger's cursor, what the rules owe each person is what the ledger has
 * payouts and pending rows for, no more and no less.
 */
export async function auditSum(simulation: Simulation): Promise<void> {
  const { ledger, accounts, handled, cancelled } = simulation;
  if (await ledger.hasWork()) return; // It has not answered everything yet.
  if ((await ledger.transfers.unread({ after: undefined, limit: 1 })).length > 0) return; // And cannot.
  const { cursor, payouts, rows } = ledger.contents;
  const blocks = simulation.chain.finalBlocks().slice(0, cursor?.blockNum ?? 0);
  const { debts } = reckon(blocks, simulation.intentions, simulation.auditTerms);
  const sums = new Map<string, bigint>(accounts.map(({ name }) => [name, 0n]));
  const add = (name: string, shares: bigint) => sums.set(name, (sums.get(name) ?? 0n) + shares);
  const nameOf = (id: string) => accounts.find((account) => account.id === id)?.name ?? id;
  const skipped = new Set([...handled].map(nameOf));
  const known = new Set<string>([...payouts.values()].map(({ key }) => key));
  // What a proposal has paid in is in the history, which is read after its block; or a second time, after a rebuild.
  const isUnread = (key: string): boolean => {
    const [, blockNum] = /^refund:(\d+):\d+:\d+\.\d+$/u.exec(key) ?? [];
    return blockNum !== undefined && Number(blockNum) > (cursor?.historyBlockNum ?? 0) && !known.has(key);
  };
  for (const { key, payee, shares } of debts.values()) {
    if (isUnread(key)) continue;
    if (cancelled.has(key)) skipped.add(nameOf(payee));
    add(nameOf(payee), shares);
  }
  for (const { kind, payee, amount, key } of payouts.values()) {
    if (cancelled.has(key)) skipped.add(payee);
    if (kind !== "notice" && kind !== "deposit") add(payee, 0n - amount * SHARES);
  }
  for (const { nominator, type, status, amount } of rows.values())
    if (status === "pending" && (type === "reward" || type === "base_amount"))
      add(nominator, 0n - amount * SHARES);
  for (const [name, difference] of sums)
    if (difference !== 0n && !skipped.has(name))
      simulation.report(`the rules owe ${name} ${difference} shares more than the ledger does`);
}

/** Everything is settled: what was owed is paid, to the last share, and the ledger says the same. */
export function auditEnd(simulation: Simulation): void {
  for (const gap of simulation.audit.gaps()) simulation.report(gap);
  const { contents } = simulation.ledger;
  const reckoning = reckon(simulation.chain.finalBlocks(), simulation.intentions, simulation.auditTerms);
  const { settled } = auditPayments(reckoning, simulation.auditTerms, simulation.handled);
  const byKey = new Map<string, string>(
    [...contents.payouts.values()].map(({ key, status }) => [key, status]),
  );
  for (const { key, payee } of reckoning.debts.values()) {
    if (simulation.handled.has(payee)) continue;
    const status = byKey.get(key);
    if (settled.has(key) ? status === "confirmed" : status === "cancelled" && simulation.cancelled.has(key))
      continue;
    simulation.report(
      `owed and ${settled.has(key) ? "paid" : "not paid"} at the end: ${key} is ${status ?? "unknown"} in the ledger`,
    );
  }
  for (const { key, status } of contents.payouts.values())
    if (status !== "confirmed" && status !== "cancelled")
      simulation.report(`not settled at the end: ${key} is ${status}`);
  for (const [at, expected] of reckoning.incoming) {
    const transfer = contents.transfers.get(at);
    const outcome = transfer?.outcome;
    const isStop = transfer?.request?.type === "stop";
    const isHandled = simulation.accounts.some(
      ({ id, name }) => name === transfer?.sender && simulation.handled.has(id),
    );
    if (outcome !== expected && !(isStop && isHandled && outcome !== undefined))
      simulation.report(`incoming ${at} is ${outcome ?? "not in the ledger"}, not ${expected}`);
  }
}

/** The product's own comparison: what the chain alone gives, by the services, is what the ledger says. */
export async function auditAgainstChain(simulation: Simulation): Promise<void> {
  try {
    await compare(simulation);
  } catch (error) {
    if (!(error instanceof RebuildRefused)) throw error;
    simulation.report(`the chain disagrees with where the ledger stands: ${error.message}`);
  }
}

async function compare(simulation: Simulation): Promise<void> {
  const clock = { nowMs: () => simulation.eventLoop.nowMs, sleep: () => Promise.resolve() };
  const scratch = new MemoryLedger(clock);
  const { serious } = await compareWithChain(
    {
      ...readDeps(simulation, simulation.nodes, scratch),
      clock,
      ledger: wholeMemoryLedger(simulation.ledger),
      passedBlocks: simulation.ledger.passedBlocks,
      memoKeysSeen: simulation.ledger.memoKeys,
      scratch: { ledger: scratch, whole: wholeMemoryLedger(scratch) },
    },
    undefined,
    ({ about, subject, cause, message }) => {
      if (cause === undefined)
        simulation.report(`the chain alone says otherwise: ${about} ${subject}: ${message}`);
    },
    () => undefined,
  );
  if (serious === 0) simulation.eventLoop.note("AUDITOR", "the chain alone says the same");
}
