import { once } from "node:events";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { transferFee } from "@stakebts/bitshares/fees";
import { createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createSigner } from "@stakebts/bitshares/signer";
import { parseSignedTransaction, transactionToWire } from "@stakebts/bitshares/transaction-codec";
import { shares } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import pg from "pg";
import WebSocket from "ws";
import { perSecond } from "./measure.ts";

/** What nothing can be faster than: a node and a database that are asked for no more than the bare work. */

/** Questions that are under way at once on one connection, as many as StakeBTS asks. */
const WINDOW = 128;

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  return socket;
}

/** Puts questions to a node, so many at once, and throws the answers away. Throws for one that is an error. */
async function askAll(
  sockets: readonly WebSocket[],
  count: number,
  question: (n: number) => string,
): Promise<void> {
  let asked = 0;
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    for (const socket of sockets) {
      const ask = (): void => {
        if (asked < count) socket.send(question(asked++));
      };
      socket.on("message", (data: Buffer) => {
        const answer = JSON.parse(data.toString()) as { id?: number; error?: unknown };
        if (answer.id === undefined) return;
        if (answer.error !== undefined) reject(new Error(JSON.stringify(answer.error).slice(0, 500)));
        if (++answered === count) resolve();
        else ask();
      });
      for (let n = 0; n < WINDOW; n++) ask();
    }
  });
}

/** Blocks per second that nodes send and that are parsed as JSON, over so many connections to each. */
export async function rawBlocks({
  urls,
  connections = 1,
  from,
  blocks,
}: {
  readonly urls: readonly string[];
  readonly connections?: number;
  readonly from: number;
  readonly blocks: number;
}): Promise<number> {
  const sockets = await Promise.all(
    urls.flatMap((url) => Array.from({ length: connections }, () => open(url))),
  );
  const startMs = performance.now();
  await askAll(sockets, blocks, (n) =>
    JSON.stringify({ id: n + 1, method: "call", params: ["database", "get_block", [from + n]] }),
  );
  const rate = perSecond(blocks, performance.now() - startMs);
  for (const socket of sockets) socket.close();
  return rate;
}

/** No account's money: what is sent there is lost, on every chain. */
const NULL_ACCOUNT = "1.2.3";
const LIFE_MS = 600_000;

/**
 * Transfers per second, signed beforehand and sent over one connection: until the node has taken all of them, and until all are
 * irreversible. One share each, with a memo as payouts have it.
 */
export async function rawBroadcast({
  url,
  name,
  wif,
  count,
}: {
  readonly url: string;
  readonly name: string;
  /** Active and memo key. */
  readonly wif: { readonly active: string; readonly memo: string };
  readonly count: number;
}): Promise<{ readonly taken: number; readonly irreversible: number }> {
  const chain = createChainClient({ nodes: [url] });
  const [account] = await chain.accounts([name]);
  if (account === undefined) throw new Error(`there is no account ${name}`);
  const [schedule, head, chainId] = await Promise.all([chain.transferFees(), chain.head(), chain.chainId()]);
  const signer = createSigner({ wif: wif.active, chainId });
  const writer = createMemoWriter({ wif: wif.memo });
  const messages = Array.from({ length: count }, (_, n) => {
    const memo = writer.write({
      text: '{"type":"reward","agreement":"60693001:3:0","number":1,"payout":"reward:60693001:3:0:1"}',
      toPublicKey: account.memoKey,
      nonce: BigInt(Date.now()) * 1_000n + BigInt(n),
    });
    const { bytes } = signer.sign({
      fromId: account.id,
      toId: NULL_ACCOUNT,
      amount: shares(1n),
      fee: transferFee(schedule, memo),
      memo,
      refBlockId: head.headBlockId,
      expirationMs: millis(Math.floor((head.headTimeMs + LIFE_MS) / 1000) * 1000),
    });
    const wire = transactionToWire(parseSignedTransaction(bytes, "BTS"));
    return JSON.stringify({
      id: n + 1,
      method: "call",
      params: ["network_broadcast", "broadcast_transaction", [wire]],
    });
  });
  const socket = await open(url);
  const startMs = performance.now();
  await askAll([socket], count, (n) => messages[n] as string);
  const takenMs = performance.now() - startMs;
  const { headBlockNum } = await chain.head();
  while ((await chain.head()).irreversibleBlockNum <= headBlockNum);
  const irreversibleMs = performance.now() - startMs;
  socket.close();
  await chain.close();
  return { taken: perSecond(count, takenMs), irreversible: perSecond(count, irreversibleMs) };
}

/** Payouts that one transaction holds. */
const PER_COMMIT = 200;

/**
 * Payouts per second as far as a database can write them: the rows that one leaves behind, in copies of the tables without
 * triggers, in as few statements and transactions as steps of 200 allow.
 */
export async function rawCommits(databaseUrl: string, count: number): Promise<number> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    return await commitAll(client, count);
  } finally {
    await client.end();
  }
}

async function commitAll(client: pg.Client, count: number): Promise<number> {
  const tables = ["payout", "withdrawal", "transfer", "settlement", "receipt", "outbox"];
  await client.query("CREATE SCHEMA raw_commits");
  for (const table of tables)
    await client.query(`CREATE TABLE raw_commits.${table} (LIKE public.${table} INCLUDING ALL)`);
  await client.query("SET search_path = raw_commits, public");
  const keyOf = (n: string) => `'refund:' || ${n} || ':0:0'`;
  await client.query(
    `INSERT INTO payout (id, key, kind, payee, amount, memo, due, status)
     SELECT md5('p' || n)::uuid, ${keyOf("n")}, 'refund', 'nominator-1', 99, repeat('m', 90), n, 'due' FROM generate_series(1, ${count}) n`,
  );
  const startMs = performance.now();
  for (let from = 1; from <= count; from += PER_COMMIT) {
    const to = Math.min(count, from + PER_COMMIT - 1);
    const some = `generate_series(${from}, ${to}) n`;
    const ids = `(SELECT md5('p' || n)::uuid FROM ${some})`;
    const steps = [
      [
        `UPDATE payout SET status = 'signed', attempts = attempts + 1 WHERE id IN ${ids}`,
        `INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch, signed_ms)
         SELECT md5('w' || n)::uuid, md5('p' || n)::uuid, md5('t' || n), decode(repeat('00', 300), 'hex'), n, n, 100, 'signed', 1, n FROM ${some}`,
      ],
      [
        `UPDATE withdrawal SET status = 'broadcast' WHERE payout_id IN ${ids}`,
        `UPDATE payout SET status = 'sent' WHERE id IN ${ids}`,
      ],
      [
        `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver, sender_id, sender_is_lifetime_member,
                               amount_shares, asset_id, fee_shares, memo_status, memo_text, payout_key, memo_nonce, replayed, status, outcome)
         SELECT n, 0, 0, n, 'out', md5('t' || n), 'custodian', 'nominator-1', '1.2.7', false, 100, '1.3.0', 1, 'text', repeat('m', 90), ${keyOf("n")}, n::text,
                false, 'decided', NULL FROM ${some}`,
        `INSERT INTO settlement (payout_id, block_num, trx_in_block, op_in_trx, matched_by) SELECT md5('p' || n)::uuid, n, 0, 0, 'txid' FROM ${some}`,
        `UPDATE withdrawal SET status = 'confirmed', block_num = n FROM ${some} WHERE payout_id = md5('p' || n)::uuid`,
        `UPDATE payout SET status = 'confirmed', block_processed = n, processed = n FROM ${some} WHERE id = md5('p' || n)::uuid`,
        `INSERT INTO receipt (event, subject, details) SELECT event, ${keyOf("n")}, jsonb_build_object('payee', 'nominator-1', 'amountShares', '100', 'txid', md5('t' || n))
           FROM ${some}, unnest(ARRAY['transfer.sent', 'payout.confirmed']) event`,
      ],
    ];
    for (const statements of steps) await client.query(`BEGIN; ${statements.join("; ")}; COMMIT`);
  }
  const rate = perSecond(count, performance.now() - startMs);
  await client.query("DROP SCHEMA raw_commits CASCADE");
  return rate;
}
