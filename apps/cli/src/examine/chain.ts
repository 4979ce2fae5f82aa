import { lookup } from "node:dns/promises";
import { type ChainAccount, ChainError, type ChainHead } from "@stakebts/bitshares/chain";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { publicKeyFromWif } from "@stakebts/bitshares/keys";
import { distinctNodes, majorityOf, nodeDisplayName } from "@stakebts/bitshares/node-address";
import { ConfigError } from "@stakebts/core/config/environment";
import { ledgerAccountOf, needAccount } from "@stakebts/core/ledger/bind-ledger";
import { checkActiveKey, checkMemoKeys } from "@stakebts/core/ledger/find-custodian";
import { lastFinalBlockNum } from "@stakebts/core/ledger/ingest-blocks";
import { MAINNET_CHAIN_ID } from "@stakebts/core/rules/policy";
import { StartupError } from "@stakebts/kernel/errors";
import { durationText } from "@stakebts/kernel/text";
import { readSettings } from "../config.ts";
import type { Context } from "../context.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

/** A head older than this on a chain with a block every three seconds: the node has stopped, or this clock is wrong. */
const HEAD_AGE_MS_MAX = 60_000;
const NODE_DEADLINE_MS = 4_000;

type NodeAnswer =
  | { readonly node: string; readonly chainId: string; readonly head: ChainHead }
  | { readonly node: string; readonly trouble: string };

export async function* examineChain(context: Context): AsyncGenerator<Finding> {
  let settings;
  try {
    settings = readSettings("chain", context.environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield problem("settings", error.message, "set it; `stakebts config check` looks at all settings");
    return;
  }
  const nodes = distinctNodes(settings.STAKEBTS_NODES);
  if (nodes.length < settings.STAKEBTS_NODES.length)
    yield problem(
      "nodes",
      `STAKEBTS_NODES names ${settings.STAKEBTS_NODES.length} addresses of ${nodes.length} servers: one host and port counts once`,
      "name other nodes, of other owners",
    );
  for (const [address, names] of await sharedAddresses(nodes))
    yield problem(
      "nodes",
      `${names.join(" and ")} are at one address, ${address}: they may be one server under several names, and would have as many votes`,
      "ask their owners, or name others; behind a large provider of proxies it means nothing",
    );
  const answers = await Promise.all(nodes.map(askNode));
  const best = Math.max(0, ...answers.map((answer) => ("head" in answer ? answer.head.headBlockNum : 0)));
  for (const answer of answers) yield aboutNode(answer, context.clock.nowMs(), best);
  const usable = answers.filter((answer) => "head" in answer);
  const quorum = settings.STAKEBTS_NODE_QUORUM ?? majorityOf(nodes);
  if (usable.length < quorum)
    yield problem(
      "quorum",
      `${usable.length} of the ${quorum} nodes that have to agree can be asked`,
      "bring nodes back or add others to STAKEBTS_NODES",
    );
  if (usable.length === 0) {
    yield skipped("account", "not asked: no node answers");
    return;
  }
  const chainIds = [...new Set(usable.map((answer) => answer.chainId))];
  yield chainIds.length > 1
    ? problem(
        "chain id",
        `the nodes are on different chains: ${chainIds.join(", ")}`,
        "remove those of the wrong chain",
      )
    : ok(
        "chain id",
        `${chainIds[0]} (${chainIds[0] === MAINNET_CHAIN_ID ? "main network" : "another network"})`,
      );
  if (nodes.length === 1 && chainIds[0] === MAINNET_CHAIN_ID)
    yield problem(
      "nodes",
      "there is one, and STAKEBTS_TRUST_ONE_NODE is on: its owner, or an attacker who breaks into it, can take all funds, and it stands at the first block with an operation that cannot be checked here",
      "add others of other owners to STAKEBTS_NODES, three in all, unless it is your own and only you can reach it",
    );
  else if (nodes.length === 2 && chainIds[0] === MAINNET_CHAIN_ID)
    yield problem(
      "nodes",
      "there are two, and both have to agree: when one is away or lies, nothing is read or paid",
      "add a third of another owner to STAKEBTS_NODES",
    );
  yield* account(context);
}

/** Addresses and ports that more than one of these nodes resolves to. Names that do not resolve are left out. */
async function sharedAddresses(
  nodes: readonly string[],
): Promise<readonly (readonly [address: string, names: readonly string[]])[]> {
  const namesAt = new Map<string, string[]>();
  await Promise.all(
    nodes.map(async (node) => {
      const { hostname, port, protocol } = new URL(node);
      const found = await lookup(hostname.replace(/^\[(.*)\]$/u, "$1"), { all: true }).catch(() => []);
      for (const address of new Set(found.map((one) => one.address))) {
        const at = `${address} port ${port || (protocol === "ws:" ? "80" : "443")}`;
        namesAt.set(at, [...(namesAt.get(at) ?? []), nodeDisplayName(node)]);
      }
    }),
  );
  return [...namesAt].filter(([, names]) => names.length > 1);
}

async function askNode(node: string): Promise<NodeAnswer> {
  const chain = createChainClient({ nodes: [node], callDeadlineMs: NODE_DEADLINE_MS });
  try {
    return { node: nodeDisplayName(node), chainId: await chain.chainId(), head: await chain.head() };
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    return { node: nodeDisplayName(node), trouble: error.message };
  } finally {
    await chain.close();
  }
}

function aboutNode(answer: NodeAnswer, nowMs: number, bestBlockNum: number): Finding {
  if ("trouble" in answer)
    return problem("node", `${answer.node}: ${answer.trouble}`, "start it, or remove it from STAKEBTS_NODES");
  const { head, node, chainId } = answer;
  const ageMs = nowMs - head.headTimeMs;
  const behind = bestBlockNum - head.headBlockNum;
  const facts = `${node}: head ${head.headBlockNum}, irreversible ${head.irreversibleBlockNum}`;
  // Other networks may run on a clock of their own.
  if (chainId === MAINNET_CHAIN_ID && Math.abs(ageMs) > HEAD_AGE_MS_MAX)
    return problem(
      "node",
      `${facts}, ${durationText(Math.abs(ageMs))} ${ageMs > 0 ? "behind" : "ahead of"} this host's clock`,
      "the node has stopped, or this clock is wrong: compare it with another",
    );
  if (behind > 20) return problem("node", `${facts}, ${behind} blocks behind another`, "let it catch up");
  return ok("node", facts);
}

async function* account(context: Context): AsyncGenerator<Finding> {
  let custodian;
  try {
    custodian = await context.custodian();
  } catch (error) {
    if (error instanceof ChainError) {
      yield skipped("account", `not asked: ${error.message}`);
      return;
    }
    if (!(error instanceof StartupError)) throw error;
    yield problem(
      "account",
      error.message,
      "correct STAKEBTS_CUSTODIAN, or the nodes are on the wrong chain",
    );
    return;
  }
  yield await ofLedger(context, custodian);
  yield await history(context, custodian);
  let keys;
  try {
    keys = readSettings("keys", context.environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield problem("keys", error.message, "`stakebts keys check` looks into a keystore");
    return;
  }
  const { STAKEBTS_ACTIVE_KEY: active, STAKEBTS_MEMO_KEY: memo } = keys;
  yield active === undefined
    ? skipped("active key", "not in this environment; --settings payer.env brings it")
    : fits("active key", () => checkActiveKey(custodian, publicKeyFromWif(active)));
  yield memo === undefined
    ? skipped("memo key", "not in this environment; --settings ingester.env brings it")
    : fits("memo key", () =>
        checkMemoKeys(
          custodian,
          memo.map((wif) => publicKeyFromWif(wif)),
        ),
      );
}

/** Does a majority tell what proposals pay in? No block holds it. */
async function history({ chain }: Context, custodian: ChainAccount): Promise<Finding> {
  const { irreversibleBlockNum } = await chain.head();
  const newest = Math.max(1, lastFinalBlockNum(irreversibleBlockNum));
  try {
    await chain.accountHistory({ account: custodian.id, from: newest, to: newest });
    return ok("history", "a majority of the nodes tells the account's history");
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    return problem(
      "history",
      `what executed proposals pay in is not seen: ${error.message}`,
      "add nodes with the plugin account_history to STAKEBTS_NODES: runbook, history.unread",
    );
  }
}

/** Is it the account that the ledger is of? Without a ledger that can be read, another finding says so. */
async function ofLedger(context: Context, custodian: ChainAccount): Promise<Finding> {
  const fact = ok("account", `${custodian.name} ${custodian.id}`);
  try {
    const { account: bound } = await context.ledger.control.read();
    needAccount(bound, ledgerAccountOf({ account: custodian, chainId: await context.chain.chainId() }));
    return fact;
  } catch (error) {
    if (!(error instanceof StartupError)) return fact;
    return problem(
      "account",
      error.message,
      "nothing is paid meanwhile: no process starts with these settings",
    );
  }
}

function fits(name: string, check: () => void): Finding {
  try {
    check();
    return ok(name, "fits the account");
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    return problem(name, error.message, "put the right key there, or correct STAKEBTS_CUSTODIAN");
  }
}
