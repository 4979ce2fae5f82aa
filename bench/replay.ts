import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { establishCursor } from "@stakebts/core/ledger/establish-cursor";
import { ingestBlocks } from "@stakebts/core/ledger/ingest-blocks";
import { LedgerWatch } from "@stakebts/core/ledger/recovery-hold";
import { MemoKeys } from "@stakebts/core/ledger/memo-keys";
import { ReadAhead } from "@stakebts/core/ledger/read-ahead";
import type { Pg } from "@stakebts/testkit/postgres";
import { wifFromSeed } from "@stakebts/devnet";
import WebSocket from "ws";
import { deploy } from "../prisma/migrate.ts";
import { median, ratio, type Row } from "./measure.ts";

const BLOCKS = 30_000;
const ROUNDS = 3;
/** Questions that are under way at once, on both sides. */
const WINDOW = 128;

/** Blocks per second of the ingester, database included, against bare get_block over one socket. */
export async function benchReplay(postgres: Pg): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [name, transferEvery] of [
    ["replay of empty blocks", 0],
    ["replay, a custodian transfer in every tenth block", 10],
  ] as const) {
    const chain = await startChain(transferEvery);
    const [ours, bare] = [[] as number[], [] as number[]];
    try {
      for (let round = 0; round < ROUNDS; round++) {
        bare.push(await bareRate(chain.url));
        ours.push(
          await ingestRate(chain.url, await freshDatabase(postgres, `replay_${transferEvery}_${round}`)),
        );
      }
    } finally {
      chain.stop();
    }
    rows.push({
      name,
      ours: `${Math.round(median(ours))} blocks/s`,
      other: `${Math.round(median(bare))} blocks/s`,
      ratio: ratio(median(ours.map((rate, n) => rate / (bare[n] ?? Number.NaN)))),
      goal: "0.70 ×",
    });
  }
  return rows;
}

async function startChain(transferEvery: number): Promise<{ url: string; stop: () => void }> {
  const script = join(import.meta.dirname, "chain-process.ts");
  const args = ["--import", "tsx", "--conditions=source", script, String(BLOCKS), String(transferEvery)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return { url, stop: () => child.kill() };
}

async function freshDatabase(postgres: Pg, name: string): Promise<string> {
  const url = await postgres.createDatabase(name);
  await deploy(url);
  return url;
}

/** Asked, parsed and thrown away: what no reader of blocks can be faster than. */
async function bareRate(url: string): Promise<number> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  let asked = 0;
  let answered = 0;
  const ask = () => {
    asked++;
    socket.send(JSON.stringify({ id: asked, method: "call", params: ["database", "get_block", [asked]] }));
  };
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      JSON.parse(data.toString());
      if (++answered === BLOCKS) resolve();
      else if (asked < BLOCKS) ask();
    });
    for (let n = 0; n < WINDOW; n++) ask();
  });
  const rate = (BLOCKS / (performance.now() - startMs)) * 1000;
  socket.close();
  return rate;
}

async function ingestRate(url: string, databaseUrl: string): Promise<number> {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const chain = createChainClient({ nodes: [url] });
  const ledger = createPostgresLedger({ url: databaseUrl });
  const [custodian] = await chain.accounts(["custodian"]);
  if (custodian === undefined) throw new Error("no custodian");
  const memos = createMemoReader({ wifs: [wifFromSeed("custodian-memo")] });
  const deps = {
    chain,
    ahead: new ReadAhead(chain, custodian.id),
    ledger,
    memos,
    memoKeys: new MemoKeys({ chain, ledger, memos, custodian }),
    log: silent,
    policy: DEFAULT_POLICY,
    custodian,
    skipBlocks: new Set<number>(),
    adminReplay: false,
    accounts: new Map(),
    watch: new LedgerWatch(),
  };
  await establishCursor(deps, 1);
  const startMs = performance.now();
  for (;;) {
    const { ingestedTo, finalBlockNum } = await ingestBlocks(deps);
    if (ingestedTo === finalBlockNum || ingestedTo === undefined) break;
  }
  const blocks = (await ledger.cursor.read())?.blockNum ?? 0;
  const rate = (blocks / (performance.now() - startMs)) * 1000;
  await Promise.all([chain.close(), ledger.close()]);
  return rate;
}
