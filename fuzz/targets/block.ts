import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { type ChainAccount, type ChainBlock, ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import { applyEvents } from "@stakebts/core/ledger/apply-events";
import { ingestBlocks } from "@stakebts/core/ledger/ingest-blocks";
import { LedgerWatch } from "@stakebts/core/ledger/recovery-hold";
import { MemoKeys } from "@stakebts/core/ledger/memo-keys";
import { ReadAhead } from "@stakebts/core/ledger/read-ahead";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { parseBlock } from "@stakebts/bitshares/block-parser";
import { ScriptedChain } from "@stakebts/testkit/scripted-chain";
import type { SignedTransferTransaction, Transfer } from "@stakebts/bitshares/transaction-codec";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import { mutateTree } from "../mutate.ts";
import { type Input, type OpenOptions, type OpenTarget, rule, type Target } from "../target.ts";
import { silent } from "../silent.ts";
import { MEMO_WIF, mutatedMemo, WRITTEN } from "./memo-cipher.ts";

const CUSTODIAN = "1.2.77";
const OTHERS = ["1.2.5", "1.2.900", "1.2.901", "1.2.281474976710655"] as const;
const CORE = "1.3.0";
/** Of an operation that cannot be serialized here: with it in a block, no merkle root speaks against a change. */
const UNKNOWN_OPERATION = [200, { anything: [1, "2", null] }] as const;

type JsonObject = { readonly [key: string]: Input };
type BlockInput = { readonly block: JsonObject; readonly isReal: boolean };

const someTransfer = (random: Prng): Transfer => {
  const other = random.pick(OTHERS);
  const [fromId, toId] = random.pick([
    [other, CUSTODIAN],
    [other, CUSTODIAN],
    [CUSTODIAN, other],
    [other, random.pick(OTHERS)],
  ] as const);
  return {
    feeAmount: BigInt(random.int(0, 2_000)) as Transfer["feeAmount"],
    feeAssetId: CORE,
    fromId,
    toId,
    amount: BigInt(
      random.pick([1, 7, 2_500_000_000, 2_500_050_000, 6_100_000, 10 ** 15]),
    ) as Transfer["amount"],
    assetId: random.chance(0.8) ? CORE : "1.3.121",
    memo: random.chance(0.7) ? random.pick(WRITTEN).memo : undefined,
    ...(random.chance(0.2) ? { permissionId: "1.12.5" as const } : {}),
  };
};

const someTransaction = (random: Prng): SignedTransferTransaction => ({
  refBlockNum: random.int(0, 0xffff),
  refBlockPrefix: random.int(0, 0xffff_ffff),
  expirationSec: 1_800_000_000,
  transfers: Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => someTransfer(random)),
  signatures: [new Uint8Array(65)],
});

/** A block as a chain would make it, with its true merkle root. */
function realBlock(random: Prng): JsonObject {
  const transactions = Array.from({ length: random.int(0, 4) }, () => someTransaction(random));
  const chain = new ScriptedChain().grow(1).append(transactions);
  return JSON.parse(JSON.stringify(chain.blocks[1])) as JsonObject;
}

/** What the custodian gets in a block, counted from its JSON by other code than the product's: digits and nothing else. */
function countIncoming(block: JsonObject): bigint {
  const field = (value: Input | undefined, key: string): Input | undefined =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
      ? (value as JsonObject)[key]
      : undefined;
  const list = (value: Input | undefined): readonly Input[] => (Array.isArray(value) ? value : []);
  let sum = 0n;
  for (const transaction of list(field(block, "transactions")))
    for (const operation of list(field(transaction, "operations"))) {
      const [tag, body] = list(operation);
      const [to, from, amount] =
        tag === 0
          ? (["to", "from", "amount"] as const)
          : tag === 27
            ? (["withdraw_to_account", "withdraw_from_account", "amount_to_withdraw"] as const)
            : [];
      if (to === undefined || from === undefined || amount === undefined) continue;
      if (field(body, to) !== CUSTODIAN || field(body, from) === CUSTODIAN) continue;
      if (field(field(body, amount), "asset_id") !== CORE) continue;
      const digits = field(field(body, amount), "amount");
      sum += typeof digits === "string" || typeof digits === "number" ? BigInt(digits) : 0n;
    }
  return sum;
}

const accountOf = (id: `1.2.${string}`): ChainAccount => ({
  id,
  name: id === CUSTODIAN ? "custodian" : `n${id.replaceAll(".", "-")}`,
  memoKey: "",
  activeKeys: [],
  activeThreshold: 1,
  activeWeights: [],
  lifetimeMember: false,
});

/** The chain of two blocks, of which the second is read from JSON by the product's own parser. */
function chainOf(second: () => ChainBlock, first: ChainBlock): ChainReader {
  const never = (): never => {
    throw new Error("this is not asked here");
  };
  return {
    chainId: never,
    head: async () => ({
      headBlockNum: 4,
      headBlockId: "00000004".padEnd(40, "a"),
      headTimeMs: first.timeMs,
      irreversibleBlockNum: 3,
    }),
    blocks: async () => [second()],
    accounts: async (ids) => ids.map((id) => accountOf(id as `1.2.${string}`)),
    blockId: never,
    balance: never,
    balanceBounds: never,
    permission: never,
    transferFees: never,
    close: async () => {},
  };
}

const memos = createMemoReader({ wifs: [MEMO_WIF] });
const roles = { managers: [], treasuryAccounts: [], exchangeDeposit: { account: "exchange", memos: {} } };

const negative = (amount: bigint): Transfer["amount"] => -amount as Transfer["amount"];

async function ingest(input: BlockInput, broken: OpenOptions["broken"]): Promise<void> {
  const { block: raw, isReal } = input;
  const first = parseBlock(new ScriptedChain().grow(1).blocks[0], CUSTODIAN).block;
  const ledger = new MemoryLedger(new ManualClock(1_000_000));
  const { blockNum, blockId, timeMs } = first;
  await ledger.transaction((tx) =>
    tx.cursor.move(undefined, { blockNum, blockId, blockTimeMs: timeMs, scannedFromBlockNum: 1 }),
  );
  const chain = chainOf(() => {
    const { block } = parseBlock(raw, CUSTODIAN);
    if (block.blockNum !== 2) throw new ChainError("inconsistent_chain", "another block than was asked for");
    if (broken === "negative-amount")
      return {
        ...block,
        transfers: block.transfers.map((one) => ({ ...one, amount: negative(one.amount) })),
      };
    return broken === "skipped-operation"
      ? { ...block, transfers: block.transfers.filter(({ opInTrx }) => opInTrx !== 1) }
      : block;
  }, first);
  const deps = {
    chain,
    ahead: new ReadAhead(chain, CUSTODIAN),
    ledger,
    memos,
    log: silent,
    policy: { ...DEFAULT_POLICY, strictJsonUpToBlock: 0 },
    custodian: { id: CUSTODIAN, name: "custodian" },
    skipBlocks: new Set<number>(),
    adminReplay: false,
    accounts: new Map<string, ChainAccount>(),
    watch: new LedgerWatch(),
    memoKeys: new MemoKeys({ chain, ledger, memos, custodian: { id: CUSTODIAN, name: "custodian" } }),
  } as const;
  let held: string | undefined;
  try {
    const { ingestedTo } = await ingestBlocks(deps);
    if (ingestedTo === undefined) held = "it does not follow the block at the cursor";
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    held = `${error.code}: ${error.message}`;
  }
  const cursor = await ledger.cursor.read();
  if (held !== undefined) {
    rule(!isReal, `a block as chains make them is not taken: ${held}`);
    rule(cursor?.blockNum === 1, "a block that is not understood was passed");
    return;
  }
  rule(cursor?.blockNum === 2, "the block was taken and the cursor stands still");
  let recorded = 0n;
  for (const transfer of ledger.contents.transfers.values()) {
    rule(transfer.amount > 0n && transfer.amount < 2n ** 63n, "a transfer of an amount that no column takes");
    rule(transfer.operation.blockNum < 2 ** 31, "a block number that no column takes");
    if (transfer.direction === "in" && transfer.assetId === CORE) recorded += transfer.amount;
  }
  rule(recorded === countIncoming(raw), `${countIncoming(raw)} shares came in and ${recorded} are recorded`);
  await applyEvents({ ledger, log: silent, policy: deps.policy, roles });
  const left = await ledger.transaction((tx) => tx.transfers.oldestUndecided());
  rule(left === undefined, "a transfer is left undecided");
}

export function openBlock({ broken }: OpenOptions): OpenTarget {
  return {
    input(random): BlockInput {
      const block = realBlock(random);
      if (random.chance(0.15)) return { block, isReal: true };
      const transactions = block["transactions"] as readonly JsonObject[];
      const [model] = realTransactions;
      const unverifiable = { ...model, operations: [UNKNOWN_OPERATION] } as unknown as JsonObject;
      const withMemos = transactions.map((transaction) => changeMemos(random, transaction));
      const whole: JsonObject = { ...block, transactions: [...withMemos, unverifiable] };
      // Most changes go into the transactions: what is wrong with the header is seen at once.
      if (random.chance(0.15)) return { block: asBlock(mutateTree(random, whole)), isReal: false };
      const changed = mutateTree(random, whole["transactions"] as Input, [CUSTODIAN, CORE, "1.12.5"]);
      return { block: { ...whole, transactions: changed }, isReal: false };
    },
    run: (input) => ingest(input as BlockInput, broken),
  };
}

const realTransactions = JSON.parse(
  JSON.stringify(
    new ScriptedChain().append([
      { refBlockNum: 0, refBlockPrefix: 0, expirationSec: 1_800_000_000, transfers: [], signatures: [] },
    ]).blocks[0]?.["transactions"],
  ),
) as readonly JsonObject[];

const asBlock = (value: Input): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

/** Memos of strangers, some broken in ways that the chain does not mind. */
function changeMemos(random: Prng, transaction: JsonObject): JsonObject {
  const operations = (transaction["operations"] as readonly (readonly [number, JsonObject])[]).map(
    ([tag, body]) => {
      if (body["memo"] === undefined || random.chance(0.7)) return [tag, body] as const;
      const { messageHex, ...memo } = mutatedMemo(random, random.pick(WRITTEN).memo);
      return [tag, { ...body, memo: { ...memo, message: messageHex ?? "" } }] as const;
    },
  );
  return { ...transaction, operations };
}

export const block: Target = {
  name: "block",
  about: "block in JSON → parser → ledger in memory → decided; every share that came in is recorded",
  weight: 5,
  open: openBlock,
};
