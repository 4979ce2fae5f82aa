import { payPayout } from "@stakebts/testkit/one-payout";
import { type ChainClientOptions, createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createSigner } from "@stakebts/bitshares/signer";
import { transferFee } from "@stakebts/bitshares/fees";
import { bts, toShares } from "@stakebts/kernel/amount";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { Instead, type Script, ScriptedNode } from "@stakebts/testkit/scripted-node";
import { parseSignedTransaction } from "@stakebts/bitshares/transaction-codec";
import { ChainError } from "@stakebts/bitshares/chain";
import { CommonCauses } from "@stakebts/core/payments/common-cause";
import { MemoKeys } from "@stakebts/core/ledger/memo-keys";
import { HotWallet } from "@stakebts/core/payments/hot-wallet";
import { AccountCache } from "@stakebts/core/payments/account-cache";
import { cursorAt, operation, refundOf } from "@stakebts/testkit/given";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { wifFromSeed } from "@stakebts/devnet";
import { jsonOf, mutateText, mutateTree } from "../mutate.ts";
import { silent } from "../silent.ts";
import { type Input, rule, type Target } from "../target.ts";
import { MEMO_WIF } from "./memo-cipher.ts";

const CHAIN_ID = "11".repeat(32);
const ACTIVE_WIF = wifFromSeed("fuzz-custodian-active");
const memos = createMemoWriter({ wif: MEMO_WIF });
const signer = createSigner({ wif: ACTIVE_WIF, chainId: CHAIN_ID });

const CURSOR_BLOCK = 9;
const payee = {
  id: "1.2.900",
  name: "nominator-1",
  lifetime_referrer: "1.2.5",
  options: { memo_key: memos.publicKey },
  active: { weight_threshold: 1, account_auths: [], key_auths: [[memos.publicKey, 1]], address_auths: [] },
};

/** What an honest node says to each question of a payer. */
const HONEST = {
  login: true,
  get_chain_id: CHAIN_ID,
  head: [
    {
      id: "2.1.0",
      head_block_number: 12,
      head_block_id: "0000000c".padEnd(40, "b"),
      time: "2026-01-01T00:00:36",
      last_irreversible_block_num: 10,
    },
  ],
  fees: [
    {
      id: "2.0.0",
      parameters: {
        current_fees: {
          parameters: [
            [0, { fee: "1000", price_per_kbyte: 100 }],
            [1, { fee: 5 }],
            [27, { fee: 2_000, price_per_kbyte: "10" }],
          ],
          scale: 10_000,
        },
        maximum_time_until_expiration: 86_400,
      },
    },
  ],
  permission: [
    {
      id: "1.12.5",
      withdraw_from_account: "1.2.901",
      authorized_account: "1.2.77",
      withdrawal_limit: { amount: "5000000000", asset_id: "1.3.0" },
      withdrawal_period_sec: 86_400,
      period_start_time: "2026-01-01T00:00:00",
      expiration: "2027-01-01T00:00:00",
      claimed_this_period: 0,
    },
  ],
  get_accounts: [payee],
  get_account_balances: [{ amount: "900000000000", asset_id: "1.3.0" }],
  broadcast_transaction: null,
  refusal: {
    code: 10,
    message: "Assert Exception: abo->get_balance() >= -delta",
    data: {
      code: 10,
      name: "assert_exception",
      message: "Assert Exception",
      stack: [{ format: "x", data: {} }],
    },
  },
} as const satisfies Record<string, Input>;
type Question = keyof typeof HONEST;
const QUESTIONS = Object.keys(HONEST) as Question[];

/** `answer`: JSON in the place of the honest one. `text`: a frame in the place of the answer, or, with `before`, ahead of it. */
type RpcInput = {
  readonly question: Question;
  readonly answer: Input;
  readonly text: string | null;
  readonly before: boolean;
};

function scriptOf({ question, answer, text, before }: RpcInput): Script {
  const say = (name: Question): unknown => {
    if (name !== question) return HONEST[name];
    if (text === null)
      return new Instead((socket, { id }) => socket.send(`{"id":${id},"result":${jsonOf(answer)}}`));
    return new Instead((socket, { id }) => {
      socket.send(text.replaceAll("$ID", String(before ? 1e9 : id)));
      socket.send(JSON.stringify({ id, result: HONEST[name] }));
    });
  };
  return {
    login: () => say("login"),
    get_chain_id: () => say("get_chain_id"),
    get_objects: ([id]: string[]) => say(id === "2.1.0" ? "head" : id === "2.0.0" ? "fees" : "permission"),
    get_accounts: () => say("get_accounts"),
    get_account_balances: () => say("get_account_balances"),
    broadcast_transaction: () =>
      question === "refusal"
        ? new Instead((socket, { id }) => socket.send(`{"id":${id},"error":${jsonOf(answer)}}`))
        : say("broadcast_transaction"),
  } as Script;
}

export const rpc: Target = {
  name: "rpc",
  about: "a node's answers over a socket → chain client → one payment by the payer",
  weight: 1,
  answers: 8,
  async open() {
    const node = await ScriptedNode.start();
    const payout = refundOf(operation(3));
    const model = new MemoryLedger(new ManualClock(1_000_000));
    await passRecoveryHold(model);
    await model.transaction(async (tx) => {
      await tx.cursor.move(1, cursorAt(CURSOR_BLOCK));
      await tx.payouts.insert([payout]);
    });
    const rows = model.backup();
    const clientOptions: ChainClientOptions = { nodes: [node.url], callDeadlineMs: 1_000 };
    return {
      input(random): RpcInput {
        const question = random.pick(QUESTIONS);
        const honest = HONEST[question];
        if (question !== "refusal" && random.chance(0.2)) {
          const frame = `{"id":$ID,"jsonrpc":"2.0","result":${JSON.stringify(honest)}}`;
          const text = mutateText(random, frame, ['"error":{}', '"id":1', "$ID", '"result":null']);
          return { question, answer: null, text, before: random.chance(0.5) };
        }
        return {
          question,
          answer: mutateTree(random, honest, ["1.2.900", "nominator-1"]),
          text: null,
          before: false,
        };
      },
      async run(input) {
        node.script = scriptOf(input as RpcInput);
        node.questions.length = 0;
        const clock = new ManualClock(1_000_000);
        const ledger = new MemoryLedger(clock);
        ledger.rewind(rows);
        const chain = createChainClient(clientOptions);
        try {
          const writerEpoch = await ledger.control.startWriterEpoch();
          await payPayout(
            {
              chain,
              ledger,
              signer,
              memos,
              memoKeys: new MemoKeys({
                chain,
                ledger,
                memos,
                custodian: { id: "1.2.77", name: "custodian" },
              }),
              causes: new CommonCauses({ ledger, clock, log: silent }),
              wallet: new HotWallet({
                chain,
                account: "1.2.77",
                clock,
                minimumBalance: toShares(bts(100n)),
                maxAgeMs: 5_000,
              }),
              payees: new AccountCache({ chain, clock }),
              // What this payer pays is made up, and no block holds a cause of it.
              debts: {
                whyNotOwed: () => Promise.resolve(undefined),
                whyMayBePaid: () => Promise.resolve(undefined),
                readAhead: () => undefined,
                knows: () => undefined,
              },
              log: silent,
              policy: DEFAULT_POLICY,
              custodian: { id: "1.2.77", name: "custodian" },
              chainId: CHAIN_ID,
              frozenHere: () => [],
              feeOf: transferFee,
              writerEpoch,
            },
            payout.id,
          );
          const permission = await chain.permission("1.12.5");
          if (permission !== undefined) {
            rule(permission.limit >= 0n && permission.claimed >= 0n, "a permission of less than nothing");
            new Date(permission.expirationMs).toISOString();
          }
        } catch (error) {
          if (!(error instanceof ChainError)) throw error;
          rule(error.message.length < 2_000, "a message of thousands of characters");
        } finally {
          await chain.close();
        }
        for (const { bytes, fee } of ledger.contents.withdrawals.values()) {
          const [sent, ...more] = parseSignedTransaction(bytes).transfers;
          rule(sent !== undefined && more.length === 0, "something else than one transfer was signed");
          rule(sent.amount === toShares(payout.amount), "another amount was signed than is owed");
          rule(sent.feeAmount === fee && fee >= 0n && fee < 2n ** 63n, "a fee that no column takes");
        }
        for (const { reason } of ledger.contents.payouts.values())
          rule(!(reason ?? "").includes("\0"), "a reason that PostgreSQL does not take");
      },
      close: () => node.stop(),
    };
  },
};
