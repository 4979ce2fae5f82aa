import { ChainError, type ChainErrorCode, type ChainHead } from "../../ports/chain.ts";
import { parseBlockHeader } from "./block-parser.ts";
import { parseHead } from "./chain-answers.ts";
import { NodeRefusal } from "./node-errors.ts";
import { type ChainLog, createRpcConnection, type RpcConnection } from "./rpc-connection.ts";
import { asArray, asObject } from "./wire-values.ts";

export interface NodePoolOptions {
  /** ws:// or wss://, best first. */
  readonly nodes: readonly string[];
  /** Nodes that must agree on an irreversible block before it counts. */
  readonly quorum: number;
  readonly callDeadlineMs: number;
  /** How far a head may be behind the host's clock; `undefined`: the host's clock is not asked. */
  readonly headFreshnessMs: number | undefined;
  /** What every node must be on; without it, what most of the nodes are on when first asked. */
  readonly chainId: string | undefined;
  readonly log: ChainLog;
}

/** A node is believed for this long before it is asked for its head again. */
const PROBE_AGE_MS_MAX = 1_000;
/** When one node has answered the others get this much longer: a dead node must not slow down every question. */
const PROBE_GRACE_MS = 300;
/** A node whose irreversible block is further behind than this follows nothing, or a branch of its own. 90 s at 3 s. */
const IRREVERSIBLE_LAG_BLOCKS_MAX = 30;
/** After a failure a node comes last for this long. */
const AVOID_MS = 5_000;

export interface Node {
  readonly connection: RpcConnection;
  chainId: string | undefined;
  head: ChainHead | undefined;
  probedAtMs: number;
  probe: Promise<void> | undefined;
  probeStartedAtMs: number;
  /** Why there is no head, in the words of the error; neither the one nor the other before the first answer. */
  problem: string | undefined;
  avoidReadingUntilMs: number;
  /** Of its own: a node without peers reads well and takes no transactions; a lagging one takes them. */
  avoidBroadcastUntilMs: number;
}

/** What is known of a node, and why it is not used; `problem` undefined: it is. */
export interface NodeState {
  readonly name: string;
  readonly problem: string | undefined;
  readonly head: ChainHead | undefined;
}

export type UsableNode = Node & { readonly head: ChainHead };

const now = (): number => performance.now();

export class NodePool {
  readonly #options: NodePoolOptions;
  readonly #nodes: readonly Node[];
  #chainId: string | undefined;
  #preferred: Node | undefined;
  /** The highest irreversible block that a quorum has agreed on. */
  #agreed: { blockNum: number; blockId: string } | undefined;

  constructor(options: NodePoolOptions) {
    this.#options = options;
    this.#chainId = options.chainId;
    this.#nodes = options.nodes.map((url) => ({
      connection: createRpcConnection({ url, callDeadlineMs: options.callDeadlineMs, log: options.log }),
      chainId: undefined,
      head: undefined,
      probedAtMs: -Infinity,
      probe: undefined,
      probeStartedAtMs: -Infinity,
      problem: undefined,
      avoidReadingUntilMs: 0,
      avoidBroadcastUntilMs: 0,
    }));
  }

  close(): void {
    for (const { connection } of this.#nodes) connection.close();
  }

  /** As they were when last asked. */
  states(): readonly NodeState[] {
    const reference = this.#referenceIrreversible();
    return this.#nodes.map((node) => ({
      name: node.connection.name,
      problem: this.#whyNot(node, reference),
      head: node.head,
    }));
  }

  async chainId(): Promise<string> {
    await this.usable();
    return this.#chainId as string; // somebody is usable, so it is known
  }

  /** Head of the freshest usable node; with a quorum its irreversible block is one that the quorum agrees on. */
  async head(): Promise<ChainHead> {
    const usable = await this.usable(0);
    const [freshest] = usable.toSorted((a, b) => b.head.headBlockNum - a.head.headBlockNum) as [UsableNode];
    if (this.#options.quorum === 1) return freshest.head;
    return { ...freshest.head, irreversibleBlockNum: await this.#agreedIrreversible(usable) };
  }

  /**
   * Asks one usable node after another until one has an answer that `ask` accepts.
   * @param hasBlock nodes that have this block irreversible go first
   * Throws the ChainError of the last node asked.
   */
  async read<T>(
    ask: (connection: RpcConnection) => Promise<T>,
    { hasBlock = 0 }: { hasBlock?: number } = {},
  ): Promise<T> {
    const usable = await this.usable();
    const rank = (node: UsableNode) =>
      (node.head.irreversibleBlockNum >= hasBlock ? 0 : 4) +
      (now() < node.avoidReadingUntilMs ? 2 : 0) +
      (node === this.#preferred ? 0 : 1);
    let last: ChainError | undefined;
    for (const node of usable.toSorted((a, b) => rank(a) - rank(b))) {
      try {
        const answer = await ask(node.connection);
        this.#preferred = node;
        return answer;
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        last = error;
        this.#options.log("node.failed", {
          node: node.connection.name,
          code: error.code,
          message: error.message,
        });
        if (!(error instanceof NodeRefusal)) {
          node.avoidReadingUntilMs = now() + AVOID_MS;
          node.probedAtMs = -Infinity;
        }
      }
    }
    throw last as ChainError;
  }

  /** Every node on the right chain, or not known to be on a wrong one; those that failed lately or lag come last. */
  async forBroadcast(): Promise<readonly Node[]> {
    if (this.#chainId === undefined) {
      await this.#refresh(PROBE_AGE_MS_MAX);
      this.#pinChain();
    }
    const rank = (node: Node) =>
      (now() < node.avoidBroadcastUntilMs ? 4 : 0) +
      (this.#whyNot(node, this.#referenceIrreversible()) === undefined ? 0 : 2) +
      (node === this.#preferred ? 0 : 1);
    return this.#nodes
      .filter(
        (node) => node.chainId === undefined || this.#chainId === undefined || node.chainId === this.#chainId,
      )
      .toSorted((a, b) => rank(a) - rank(b));
  }

  failedBroadcast(node: Node): void {
    node.avoidBroadcastUntilMs = now() + AVOID_MS;
  }

  /** Throws ChainError when `node` is on another chain than the pool. */
  async checkChain(node: Node): Promise<void> {
    node.chainId = await node.connection.chainId();
    if (this.#chainId !== undefined && node.chainId !== this.#chainId) {
      throw new ChainError("wrong_chain", `${node.connection.name} is on chain ${node.chainId}`);
    }
  }

  /** Nodes that may be read from, at least one and with a quorum at least that many. Throws ChainError. */
  async usable(ageMsMax = PROBE_AGE_MS_MAX): Promise<readonly UsableNode[]> {
    await this.#refresh(ageMsMax);
    this.#pinChain();
    const reference = this.#referenceIrreversible();
    const reasons: string[] = [];
    const usable = this.#nodes.filter((node): node is UsableNode => {
      const reason = this.#whyNot(node, reference);
      if (reason !== undefined) reasons.push(`${node.connection.name}: ${reason}`);
      return reason === undefined;
    });
    if (usable.length >= this.#options.quorum) return usable;
    const onWrongChain = (node: Node) => node.chainId !== undefined && node.chainId !== this.#chainId;
    const code: ChainErrorCode = this.#nodes.every(onWrongChain) ? "wrong_chain" : "no_usable_node";
    throw new ChainError(
      code,
      `${usable.length} usable nodes of ${this.#options.quorum} needed; ${reasons.join("; ")}`,
    );
  }

  /**
   * Throws ChainError "inconsistent_chain" unless a quorum of nodes gives `expected` for an answer.
   * @param what the thing asked for, in the words of a message
   */
  async confirm(
    what: string,
    expected: string,
    ask: (connection: RpcConnection) => Promise<string>,
  ): Promise<void> {
    const { quorum } = this.#options;
    if (quorum === 1) return;
    const answers = await gather(await this.usable(), ask);
    const agreeing = answers.filter((answer) => answer === expected).length;
    if (agreeing >= quorum) return;
    throw new ChainError(
      "inconsistent_chain",
      `${what}: ${agreeing} nodes agree of ${quorum} needed, ${answers.length} answered`,
    );
  }

  async #agreedIrreversible(usable: readonly UsableNode[]): Promise<number> {
    const { quorum, log } = this.#options;
    const reference = this.#referenceIrreversible();
    if (this.#agreed !== undefined && reference <= this.#agreed.blockNum) return this.#agreed.blockNum;
    if (reference === 0) return 0;
    const ids = await gather(
      usable.filter(({ head }) => head.irreversibleBlockNum >= reference),
      (connection) => readBlockId(connection, reference),
    );
    const agreedId = ids.find((id) => ids.filter((other) => other === id).length >= quorum);
    if (ids.some((id) => id !== ids[0]))
      log("node.disagreement", { blockNum: reference, ids: ids.join(" ") });
    if (agreedId === undefined) {
      throw new ChainError(
        "inconsistent_chain",
        `no ${quorum} nodes agree on irreversible block ${reference}: ${ids.join(", ")}`,
      );
    }
    this.#agreed = { blockNum: reference, blockId: agreedId };
    return reference;
  }

  /** The highest irreversible block that as many nodes claim as must agree: one liar's number counts for nothing then. */
  #referenceIrreversible(): number {
    const claims = this.#nodes
      .filter((node) => node.head !== undefined && node.chainId === this.#chainId)
      .map((node) => node.head?.irreversibleBlockNum ?? 0)
      .toSorted((a, b) => b - a);
    return claims[this.#options.quorum - 1] ?? 0;
  }

  #whyNot(node: Node, referenceIrreversible: number): string | undefined {
    const { head } = node;
    const { headFreshnessMs } = this.#options;
    if (head === undefined) return node.problem ?? "no answer yet";
    if (node.chainId !== this.#chainId) return `on another chain, ${node.chainId}`;
    if (headFreshnessMs !== undefined && Date.now() - head.headTimeMs > headFreshnessMs) {
      return `head of ${new Date(head.headTimeMs).toISOString()} is too old`;
    }
    if (head.irreversibleBlockNum + IRREVERSIBLE_LAG_BLOCKS_MAX < referenceIrreversible) {
      return `irreversible block ${head.irreversibleBlockNum} lags behind ${referenceIrreversible}`;
    }
    return undefined;
  }

  /** With no chain configured, most nodes decide, and the first of the list when they are at odds. Once, then never again. */
  #pinChain(): void {
    if (this.#chainId !== undefined) return;
    const ids = this.#nodes.flatMap(({ chainId }) => (chainId === undefined ? [] : [chainId]));
    const votes = (id: string) => ids.filter((other) => other === id).length;
    this.#chainId = ids.toSorted((a, b) => votes(b) - votes(a))[0];
  }

  async #refresh(ageMsMax: number): Promise<void> {
    const due = this.#nodes.filter((node) => now() - node.probedAtMs >= ageMsMax);
    const probes = due.map((node) => {
      if (node.probe === undefined) {
        node.probeStartedAtMs = now();
        node.probe = this.#probe(node).finally(() => (node.probe = undefined));
      }
      return node.probe;
    });
    // The first time all are waited for: before the chain is known a fast node on the wrong one must not decide alone,
    // and a quorum must have its chance.
    const first = due.some(({ head, problem }) => head === undefined && problem === undefined);
    if (first || this.#chainId === undefined) return void (await Promise.all(probes));
    if (due.length === this.#nodes.length) {
      const succeeded = due.map(async (node, i) => {
        await probes[i];
        if (node.head === undefined)
          throw new ChainError("no_usable_node", "this one is not the first to answer");
      });
      await Promise.any(succeeded).catch(() => undefined); // all failed: nothing to wait for
    }
    // A probe is waited for once, not by every question; that of a node that failed the last time, not at all.
    await Promise.all(
      due.map(async (node, i) => {
        const leftMs = node.problem === undefined ? node.probeStartedAtMs + PROBE_GRACE_MS - now() : 0;
        if (leftMs > 0) await within(leftMs, probes[i]);
      }),
    );
  }

  /** Never throws: what is wrong with a node is kept with it. */
  async #probe(node: Node): Promise<void> {
    try {
      node.chainId = await node.connection.chainId();
      const answer = await node.connection.call("database", "get_objects", [["2.1.0"]]);
      node.head = parseHead(asArray(answer, "objects")[0]);
      node.problem = undefined;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      node.head = undefined;
      node.problem = error.message;
    }
    node.probedAtMs = now();
  }
}

/** Id of a block as this node has it, computed from the header. Throws ChainError. */
export async function readBlockId(connection: RpcConnection, blockNum: number): Promise<string> {
  const header = await connection.call("database", "get_block_header", [blockNum, true]);
  const { blockNum: found, blockId } = parseBlockHeader(asObject(header, "block header"));
  if (found !== blockNum)
    throw new ChainError("malformed_answer", `header of ${found} for block ${blockNum}`);
  return blockId;
}

/** What those nodes say that say something. */
async function gather<T>(
  nodes: readonly UsableNode[],
  ask: (connection: RpcConnection) => Promise<T>,
): Promise<T[]> {
  const answers = await Promise.allSettled(nodes.map(({ connection }) => ask(connection)));
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
}

async function within(ms: number, promise: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
