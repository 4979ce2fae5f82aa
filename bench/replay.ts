import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { establishCursor } from "@stakebts/core/ledger/establish-cursor";
import { ingestBlocks } from "@stakebts/core/ledger/ingest-blocks";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { newIngestDeps } from "@stakebts/core/processes/ingester";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { wifFromSeed } from "@stakebts/devnet";
import type { Pg } from "@stakebts/testkit/postgres";
import { deploy } from "../prisma/migrate.ts";
import { CUSTODIAN, startCannedNode } from "./canned-node.ts";
import { rawBlocks } from "./ceilings.ts";
import { median, perSecond, ratio, type Row } from "./measure.ts";
import { SlowLine } from "./slow-line.ts";

const ROUNDS = 3;

export const CHAINS = [
  { name: "replay of empty blocks", blocks: 30_000, transferEvery: 0, strangers: 0, target: "0.90 ×" },
  {
    name: "replay, a custodian transfer in every tenth block",
    blocks: 20_000,
    transferEvery: 10,
    strangers: 0,
    target: "0.80 ×",
  },
  {
    name: "replay of full blocks (100 transfers)",
    blocks: 2_000,
    transferEvery: 0,
    strangers: 100,
    target: "0.80 ×",
  },
] as const;

/**
 * Blocks per second of the ingester, database included, against bare get_block over as many connections: in turns, and the median of the
 * ratios counts. The node has its answers ready, in a process of its own.
 */
export async function benchReplay(
  postgres: Pg,
  { eachWayMs = 0, chains = CHAINS, rounds = ROUNDS }: ReplayOptions = {},
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { name, target, ...chain } of chains) {
    const node = await startCannedNode(chain);
    const line = eachWayMs === 0 ? undefined : await SlowLine.open(node.url);
    line?.delay(eachWayMs);
    const over = eachWayMs === 0 ? "" : `, ${eachWayMs} ms each way`;
    try {
      rows.push(
        await compare(postgres, {
          name: `${name}${over}`,
          url: line?.url ?? node.url,
          from: 1,
          blocks: chain.blocks,
          custodian: CUSTODIAN.name,
          memo: wifFromSeed(`${CUSTODIAN.name}-memo`),
          target,
          rounds,
        }),
      );
    } finally {
      line?.close();
      node.stop();
    }
  }
  return rows;
}

export interface ReplayOptions {
  readonly eachWayMs?: number;
  readonly chains?: readonly (typeof CHAINS)[number][];
  readonly rounds?: number;
}

/** The same with a node that is there already: its newest final blocks. */
export async function benchReplayOf(
  postgres: Pg,
  { url, custodian, memo, blocks }: Pick<Compared, "url" | "custodian" | "memo" | "blocks">,
): Promise<readonly Row[]> {
  const chain = createChainClient({ nodes: [url] });
  const { irreversibleBlockNum } = await chain.head();
  await chain.close();
  const from = Math.max(1, irreversibleBlockNum - blocks);
  const name = `replay of blocks ${from} to ${from + blocks - 1}`;
  return [
    await compare(postgres, { name, url, from, blocks, custodian, memo, target: "0.80 ×", rounds: ROUNDS }),
  ];
}

interface Compared {
  readonly name: string;
  readonly url: string;
  readonly from: number;
  readonly blocks: number;
  readonly custodian: string;
  /** The custodian's memo key. */
  readonly memo: string;
  readonly target: string;
  readonly rounds: number;
}

async function compare(postgres: Pg, { name, target, rounds, ...request }: Compared): Promise<Row> {
  const [ours, bare] = [[] as number[], [] as number[]];
  for (let round = 0; round < rounds; round++) {
    bare.push(await rawBlocks({ ...request, urls: [request.url] }));
    const databaseUrl = await postgres.createDatabase(`replay_${databases++}`);
    await deploy(databaseUrl);
    ours.push(await ingestRate({ ...request, databaseUrl }));
  }
  return {
    name,
    ours: `${Math.round(median(ours))} blocks/s`,
    ceiling: `${Math.round(median(bare))} blocks/s`,
    ratio: ratio(median(ours.map((rate, n) => rate / (bare[n] ?? Number.NaN)))),
    target,
  };
}

let databases = 0;

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function ingestRate({
  url,
  databaseUrl,
  from,
  blocks,
  custodian: name,
  memo,
}: Omit<Compared, "name" | "target" | "rounds"> & { readonly databaseUrl: string }): Promise<number> {
  const chain = createChainClient({ nodes: [url] });
  const ledger = createPostgresLedger({ url: databaseUrl });
  const [custodian] = await chain.accounts([name]);
  if (custodian === undefined) throw new Error(`there is no account ${name}`);
  const memos = createMemoReader({ wifs: [memo] });
  const deps = newIngestDeps(
    { chain, ledger, memos, log: silent },
    { policy: DEFAULT_POLICY, custodian, skipBlocks: new Set(), adminReplay: false },
  );
  await establishCursor(deps, from);
  const before = (await ledger.cursor.read())?.blockNum ?? 0;
  const startMs = performance.now();
  for (;;) {
    const { ingestedTo, finalBlockNum } = await ingestBlocks(deps);
    if (ingestedTo === undefined || ingestedTo >= Math.min(finalBlockNum, from + blocks - 1)) break;
  }
  const read = ((await ledger.cursor.read())?.blockNum ?? 0) - before;
  const rate = perSecond(read, performance.now() - startMs);
  await Promise.all([chain.close(), ledger.close()]);
  return rate;
}
