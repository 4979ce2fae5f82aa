import { createChainClient } from "@stakebts/bitshares/chain-client";
import { distinctNodes, nodeDisplayName } from "@stakebts/bitshares/node-address";
import type { Shares } from "@stakebts/kernel/amount";
import { type ChainAccount, ChainError, type ChainHead, type ChainReader } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";

/** For one question to one node: a slower node is shown as not answering. */
const CALL_DEADLINE_MS = 3_000;

export interface NodeGlance {
  /** Its host: the rest of an address may hold a password. */
  readonly node: string;
  readonly answer: { readonly head: ChainHead } | { readonly problem: string };
}

/** What the chain looked like at one moment. */
export interface ChainGlance {
  /** Host time. */
  readonly takenAtMs: number;
  readonly nodes: readonly NodeGlance[];
  readonly chain:
    | { readonly head: ChainHead; readonly hotWallet: Shares; readonly account: ChainAccount }
    | { readonly problem: string };
}

export interface ChainWatchOptions {
  readonly chain: ChainReader;
  readonly nodes: readonly string[];
  readonly chainId: string | undefined;
  readonly custodian: string;
  readonly clock: HostClock;
}

/**
 * Looks at the nodes from time to time, so that no page has to wait for one that does not answer. What it saw is shown
 * with its age, and decides nothing.
 */
export class ChainWatch {
  readonly #options: ChainWatchOptions;
  readonly #nodes: readonly { readonly node: string; readonly client: ChainReader }[];
  #latest: ChainGlance | undefined;
  #account: ChainAccount | undefined;

  constructor(options: ChainWatchOptions) {
    this.#options = options;
    this.#nodes = distinctNodes(options.nodes).map((url) => ({
      node: hostOf(nodeDisplayName(url)),
      client: createChainClient({ nodes: [url], chainId: options.chainId, callDeadlineMs: CALL_DEADLINE_MS }),
    }));
  }

  readonly latest = (): ChainGlance | undefined => this.#latest;

  async look(): Promise<void> {
    const [chain, ...nodes] = await Promise.all([
      this.#lookAtChain(),
      ...this.#nodes.map(async ({ node, client }) => ({
        node,
        answer: await this.#orProblem(async () => ({ head: await client.head() })),
      })),
    ]);
    this.#latest = { takenAtMs: this.#options.clock.nowMs(), nodes, chain };
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map(({ client }) => client.close()));
  }

  #lookAtChain(): Promise<ChainGlance["chain"]> {
    const { chain, custodian } = this.#options;
    return this.#orProblem(async () => {
      this.#account ??= (await chain.accounts([custodian]))[0];
      const account = this.#account;
      if (account === undefined) return { problem: `there is no account ${custodian} on this chain` };
      const [head, hotWallet] = await Promise.all([chain.head(), chain.balance(account.id)]);
      return { head, hotWallet, account };
    });
  }

  async #orProblem<T>(ask: () => Promise<T>): Promise<T | { readonly problem: string }> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      return { problem: this.#shortened(error.message) };
    }
  }

  /** With nodes by their hosts, each once. */
  #shortened(message: string): string {
    return this.#options.nodes
      .map(nodeDisplayName)
      .reduce(
        (text, name) => text.replaceAll(`${name}: ${name}: `, `${name}: `).replaceAll(name, hostOf(name)),
        message,
      );
  }
}

const hostOf = (name: string): string => name.replace(/^\w+:\/\//u, "");
