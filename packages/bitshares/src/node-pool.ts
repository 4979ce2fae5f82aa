import { ChainError, type ChainErrorCode, type ChainHead, type NodeTrouble } from "./chain.ts";
import { blocksAtOnce, readBlockId } from "./block-reader.ts";
import { parseHead } from "./chain-answers.ts";
import { NodeLie, NodeRefusal } from "./node-errors.ts";
import { collectVotes, type Vote, voteTally } from "./node-votes.ts";
import { type ChainLog, createRpcConnection, type RpcConnection } from "./rpc-connection.ts";
import { asArray } from "./wire-values.ts";
import type { Millis } from "@stakebts/kernel/time";

export interface NodePoolOptions {
  /** ws:// or wss://, best first, each server once (`distinctNodes`). */
  readonly nodes: readonly string[];
  /** Nodes that must agree before anything counts: more than half of `nodes`, whether they answer or not. */
  readonly quorum: number;
  readonly callDeadlineMs: number;
  /** How far a head may be behind the host's clock; `undefined`: the host's clock is not asked. */
  readonly headFreshnessMs: number | undefined;
  /** What every node must be on; without it, what most of the nodes are on when first asked. */
  readonly chainId: string | undefined;
  readonly log: ChainLog;
  /** Of each node; `undefined`: as many as it bears. */
  readonly requestsPerSecond?: number | undefined;
  /** How long nothing is read from a node that was caught in a lie. */
  readonly distrustMs: number;
}

/** A node is believed for this long before it is asked for its head again. */
const PROBE_AGE_MS_MAX = 1_000;
/** When one node has answered the others get this much longer: a dead node must not slow down every question. */
const PROBE_GRACE_MS = 300;
/** A node whose irreversible block is further behind than this follows nothing, or a branch of its own. 90 s at 3 s. */
const IRREVERSIBLE_LAG_BLOCKS_MAX = 30;
/** After a failure a node comes last for this long. */
const AVOID_MS = 5_000;
/** Nodes that differ in what may change are a block apart, as a rule. For longer than this they are not. */
const STATE_DISPUTE_MS = 15_000;
/** A head that is said to be later than this than one that can be believed is a lie, or a chain that stands still: a day. */
const HEAD_AHEAD_MS_MAX = 86_400_000;
/** Troubles that no caller has asked for yet; more are not kept, and were logged. */
const TROUBLES_MAX = 100;

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
  /** The highest irreversible block that it has told of. */
  toldIrreversible: number;
  lie: { readonly what: string; readonly untilMs: number } | undefined;
  /** It has told of less than that since. */
  rewound: { readonly what: string; readonly untilMs: number } | undefined;
  /** Of its own: a node without peers reads well and takes no transactions; a lagging one takes them. */
  avoidBroadcastUntilMs: number;
  /** When it was last sent a transaction. */
  broadcastAtMs: number;
}

/** What is known of a node, and why it is not used; `problem` undefined: it is. */
export interface NodeState {
  readonly name: string;
  readonly problem: string | undefined;
  readonly head: ChainHead | undefined;
  /** How many it is asked, when it has shown that it limits requests. */
  readonly requestsPerSecond: number | undefined;
  /** What it was caught in, while it is not believed for that. */
  readonly lie: string | undefined;
}

/** A node that may be read from, and its head when it was asked: `node.head` may be another one, or none, a moment later. */
interface UsableNode {
  readonly node: Node;
  readonly head: ChainHead;
}

const now = (): number => performance.now();

export class NodePool {
  readonly #options: NodePoolOptions;
  readonly #nodes: readonly Node[];
  #chainId: string | undefined;
  #preferred: Node | undefined;
  /** The highest irreversible block that a quorum has agreed on. */
  #agreed: { blockNum: number; blockId: string } | undefined;
  #troubles: NodeTrouble[] = [];
  /** Since when, by what they are about without its numbers: a dispute about each block in turn is one dispute. */
  readonly #disputes = new Map<string, { readonly sinceMs: number; told: boolean }>();

  constructor(options: NodePoolOptions) {
    this.#options = options;
    this.#chainId = options.chainId;
    this.#nodes = options.nodes.map((url) => ({
      connection: createRpcConnection({
        url,
        callDeadlineMs: options.callDeadlineMs,
        log: options.log,
        requestsPerSecond: options.requestsPerSecond,
      }),
      chainId: undefined,
      head: undefined,
      probedAtMs: -Infinity,
      probe: undefined,
      probeStartedAtMs: -Infinity,
      problem: undefined,
      avoidReadingUntilMs: 0,
      toldIrreversible: 0,
      lie: undefined,
      rewound: undefined,
      avoidBroadcastUntilMs: 0,
      broadcastAtMs: -Infinity,
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
      requestsPerSecond: node.connection.requestsPerSecond,
      lie: lieOf(node),
    }));
  }

  /** How many blocks to ask for at once, of at most `max`: what the node that bears most sends within some seconds. */
  blocksAtOnce(max: number): number {
    const believed = this.#nodes.filter((node) => lieOf(node) === undefined);
    return Math.max(1, ...believed.map(({ connection }) => blocksAtOnce(connection, max)));
  }

  /** What nodes were caught in, and what they could not agree on, since this was last asked. */
  takeTroubles(): readonly NodeTrouble[] {
    const troubles = this.#troubles;
    this.#troubles = [];
    return troubles;
  }

  async chainId(): Promise<string> {
    await this.#usable();
    return this.#chainId as string; // a node is usable, so it is known
  }

  /**
   * The head as far as a quorum claims to have seen it: of height and time the highest of which as many nodes say that or
   * more. Nodes that are silent or not believed claim nothing, so what a minority says moves nothing forward, also while
   * others are away. The irreversible block is one whose id the quorum agrees on.
   * What a minority could hold back is told apart in `latest`: as far as it may be, unless a quorum says that it is not.
   */
  async head(): Promise<ChainHead> {
    const usable = await this.#usable(0);
    const { quorum } = this.#options;
    const byTime = usable.toSorted(
      (a, b) => b.head.headTimeMs - a.head.headTimeMs || b.head.headBlockNum - a.head.headBlockNum,
    );
    const { headBlockId, headTimeMs } = (byTime[quorum - 1] as UsableNode).head;
    const irreversible = usable.map(({ head }) => head.irreversibleBlockNum);
    const irreversibleBlockNum =
      quorum === 1 ? (irreversible[0] as number) : await this.#agreedIrreversible(usable);
    const latest = {
      headTimeMs: Math.min(
        notBeyond(
          usable.map(({ head }) => head.headTimeMs),
          quorum,
        ),
        headTimeMs + HEAD_AHEAD_MS_MAX,
      ) as Millis,
      irreversibleBlockNum: Math.max(irreversibleBlockNum, notBeyond(irreversible, quorum)),
    };
    this.#noticeApart(usable, latest.irreversibleBlockNum - irreversibleBlockNum);
    return {
      headBlockNum: claimedBy(
        usable.map(({ head }) => head.headBlockNum),
        quorum,
      ),
      headBlockId,
      headTimeMs,
      irreversibleBlockNum,
      latest,
    };
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
    const usable = await this.#usable();
    const rank = ({ node, head }: UsableNode) =>
      (head.irreversibleBlockNum >= hasBlock ? 0 : 8) +
      (now() < node.avoidReadingUntilMs ? 4 : 0) +
      (node.connection.requestsPerSecond === undefined ? 0 : 2) +
      (node === this.#preferred ? 0 : 1);
    let last: ChainError | undefined;
    for (const { node } of usable.toSorted((a, b) => rank(a) - rank(b))) {
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
        if (error instanceof NodeLie) this.#caught(node, error.message);
        if (!(error instanceof NodeRefusal)) {
          node.avoidReadingUntilMs = now() + AVOID_MS;
          node.probedAtMs = -Infinity;
        }
      }
    }
    throw last as ChainError;
  }

  /**
   * Every node on the right chain, or not known to be on a wrong one; those that failed lately or lag come last. Of equals the
   * one that was asked least lately comes first: one that takes transactions and drops them is not sent the same bytes again.
   * Those that lie are left out where there are others: that they take what the others refuse means nothing.
   */
  async forBroadcast(): Promise<readonly Node[]> {
    if (this.#chainId === undefined) {
      await this.#refresh(PROBE_AGE_MS_MAX);
      this.#pinChain();
    }
    const rank = (node: Node) =>
      (now() < node.avoidBroadcastUntilMs ? 2 : 0) +
      (this.#whyNot(node, this.#referenceIrreversible()) === undefined ? 0 : 1);
    const onChain = this.#nodes.filter(
      (node) => node.chainId === undefined || this.#chainId === undefined || node.chainId === this.#chainId,
    );
    const honest = onChain.filter((node) => lieOf(node) === undefined);
    return (honest.length > 0 ? honest : onChain).toSorted(
      (a, b) => rank(a) - rank(b) || a.broadcastAtMs - b.broadcastAtMs,
    );
  }

  triedBroadcast(node: Node): void {
    node.broadcastAtMs = now();
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

  /** Nodes that may be read from, at least as many as must agree. Throws ChainError. */
  async #usable(ageMsMax = PROBE_AGE_MS_MAX): Promise<readonly UsableNode[]> {
    await this.#refresh(ageMsMax);
    this.#pinChain();
    const reference = this.#referenceIrreversible();
    const reasons: string[] = [];
    const usable = this.#nodes.flatMap((node): readonly UsableNode[] => {
      const { head } = node;
      const reason = this.#whyNot(node, reference);
      if (reason === undefined && head !== undefined) return [{ node, head }];
      reasons.push(`${node.connection.name}: ${reason}`);
      return [];
    });
    if (usable.length >= this.#options.quorum) return usable;
    const onWrongChain = (node: Node) =>
      this.#chainId !== undefined && node.chainId !== undefined && node.chainId !== this.#chainId;
    const code: ChainErrorCode = this.#nodes.every(onWrongChain) ? "wrong_chain" : "no_usable_node";
    throw new ChainError(
      code,
      `${usable.length} usable nodes of ${this.#options.quorum} needed; ${reasons.join("; ")}`,
    );
  }

  /**
   * Puts the same question about something that cannot change to all usable nodes.
   * Throws NodeLie when a quorum says something else than `expected`, and ChainError "inconsistent_chain" when none agrees.
   * @param what the thing asked for, in the words of a message
   * @param options.canChange a block that is not irreversible yet: a node that says something else may be on another fork
   */
  async confirm(
    what: string,
    expected: string,
    ask: (connection: RpcConnection) => Promise<string>,
    { atLeast = this.#options.quorum, canChange = false }: { atLeast?: number; canChange?: boolean } = {},
  ): Promise<void> {
    if (atLeast === 1 && this.#nodes.length === 1) return;
    const votes = await this.#poll(await this.#usable(), ask, { text: (answer) => answer, enough: atLeast });
    const winner = this.#winner(what, votes, atLeast);
    if (winner === undefined) throw this.#dispute(what, votes, atLeast, canChange ? STATE_DISPUTE_MS : 0);
    if (!canChange) this.#catchThose(what, votes, winner);
    if (winner.text === expected) return;
    const difference = `${what}: it said ${expected}, others say ${winner.text}`;
    throw canChange ? new ChainError("inconsistent_chain", difference) : new NodeLie(difference);
  }

  /** What a quorum says about something that cannot change. Throws ChainError, "inconsistent_chain" when none agrees. */
  async agreeForEver(what: string, ask: (connection: RpcConnection) => Promise<string>): Promise<string> {
    if (this.#nodes.length === 1) return this.read(ask);
    return this.#vote(what, await this.#usable(), ask);
  }

  async #vote(
    what: string,
    nodes: readonly UsableNode[],
    ask: (connection: RpcConnection) => Promise<string>,
  ): Promise<string> {
    const { quorum } = this.#options;
    const votes = await this.#poll(nodes, ask, { text: (answer) => answer, enough: quorum });
    const winner = this.#winner(what, votes, quorum);
    if (winner === undefined) throw this.#dispute(what, votes, quorum);
    this.#catchThose(what, votes, winner);
    return winner.text;
  }

  #catchThose(what: string, votes: readonly Vote<string>[], winner: Vote<string>): void {
    for (const { node, text } of votes)
      if (text !== winner.text) this.#caught(node, `${what}: it says ${text}, others say ${winner.text}`);
  }

  /**
   * What as many nodes as count say about something that all of them know. A single node is believed.
   * @param text nodes agree when it is the same
   * @param isLie can the difference be no matter of a block more or less?
   * Throws ChainError, "inconsistent_chain" when too few agree.
   */
  async agree<T>(
    what: string,
    ask: (connection: RpcConnection) => Promise<T>,
    { text, isLie }: { text: (answer: T) => string; isLie: (told: T, truth: T) => boolean },
  ): Promise<T> {
    const { quorum } = this.#options;
    if (this.#nodes.length === 1) return this.read(ask);
    const votes = await this.#poll(await this.#usable(), ask, { text, enough: quorum });
    const winner = this.#winner(what, votes, quorum);
    if (winner === undefined) throw this.#dispute(what, votes, quorum, STATE_DISPUTE_MS);
    for (const { node, answer, text: told } of votes)
      if (told !== winner.text && isLie(answer, winner.answer))
        this.#caught(node, `${what}: it says ${told}, others say ${winner.text}`);
    return winner.answer;
  }

  /**
   * Between which bounds a number is that honest nodes may differ in: a quorum says `atLeast` or more, and a quorum says
   * `atMost` or less. A minority that lies makes the one no greater and the other no smaller than an honest node says.
   * Throws ChainError when fewer than a quorum answer.
   */
  async agreeOnNumber(
    ask: (connection: RpcConnection) => Promise<bigint>,
  ): Promise<{ readonly atLeast: bigint; readonly atMost: bigint }> {
    const { quorum } = this.#options;
    const votes = await this.#poll(await this.#usable(), ask, { text: String, enough: "any" });
    const answers = votes.map(({ answer }) => answer);
    if (answers.length < quorum)
      throw new ChainError("no_usable_node", `${answers.length} nodes answered of ${quorum} needed`);
    return { atLeast: claimedBy(answers, quorum), atMost: notBeyond(answers, quorum) };
  }

  /**
   * Puts a question to all of these nodes: one that has failed lately may be the one that objects. For a number, where nodes
   * do not have to agree, those that failed are spared if the others suffice.
   * @param enough so many that say the same, or as many as must agree, no matter what they say
   */
  async #poll<T>(
    nodes: readonly UsableNode[],
    ask: (connection: RpcConnection) => Promise<T>,
    { text, enough }: { text: (answer: T) => string; enough: number | "any" },
  ): Promise<readonly Vote<T>[]> {
    const well = nodes.filter(({ node }) => now() >= node.avoidReadingUntilMs);
    const asked = enough === "any" && well.length >= this.#options.quorum ? well : nodes;
    let last: ChainError | undefined;
    const votes = await collectVotes(
      asked.map(({ node }) => node),
      ask,
      {
        text,
        isEnough: (all) =>
          enough === "any"
            ? all.length >= this.#options.quorum
            : Math.max(...voteTally(all).values()) >= enough,
        failed: (node, error) => {
          if (!(error instanceof ChainError)) throw error;
          last = error;
          if (error instanceof NodeLie) this.#caught(node, error.message);
          if (!(error instanceof NodeRefusal)) node.avoidReadingUntilMs = now() + AVOID_MS;
        },
      },
    );
    if (votes.length === 0 && last !== undefined) throw last;
    return votes;
  }

  /** The answer that counts: that of a quorum, which is more than half of the configured nodes, not of those that answered. */
  #winner<T>(what: string, votes: readonly Vote<T>[], atLeast: number): Vote<T> | undefined {
    const tally = voteTally(votes);
    const needed = Math.max(atLeast, this.#options.quorum);
    const winner = votes.find(({ text }) => (tally.get(text) ?? 0) >= needed);
    if (winner !== undefined) this.#disputes.delete(topicOf(what));
    return winner;
  }

  /** It is open which node is right. Nothing is believed until it is settled, and people are told once. */
  #dispute(what: string, votes: readonly Vote<unknown>[], atLeast: number, patienceMs = 0): ChainError {
    const said = votes.map(({ node, text }) => `${node.connection.name}: ${text}`).join("; ");
    // Too few answers without a contradiction are nodes that are away; unless there never are enough.
    if (voteTally(votes).size > 1 || atLeast > this.#nodes.length) {
      const dispute = this.#disputes.get(topicOf(what)) ?? { sinceMs: now(), told: false };
      this.#disputes.set(topicOf(what), dispute);
      if (!dispute.told && now() - dispute.sinceMs >= patienceMs) {
        dispute.told = true;
        this.#options.log("node.disagreement", { what, said });
        this.#trouble({ type: "dispute", what, said, needed: atLeast });
      }
    }
    return new ChainError(
      "inconsistent_chain",
      `${what}: ${atLeast} nodes have to agree; ${said || "none answered"}`,
    );
  }

  /**
   * What is irreversible stays so. A few blocks less are a fork that was switched, or another machine behind the address;
   * more is a node that rewinds, or that is being replayed: believed again when it is where it has been.
   */
  #notice(node: Node, irreversibleBlockNum: number): void {
    const { rewound } = node;
    if (rewound !== undefined && now() >= rewound.untilMs) node.toldIrreversible = 0;
    if (irreversibleBlockNum + IRREVERSIBLE_LAG_BLOCKS_MAX >= node.toldIrreversible) {
      node.rewound = undefined;
      node.toldIrreversible = Math.max(node.toldIrreversible, irreversibleBlockNum);
    } else if (rewound === undefined) {
      const what = `its irreversible block fell from ${node.toldIrreversible} to ${irreversibleBlockNum}`;
      node.rewound = { what, untilMs: now() + this.#options.distrustMs };
      this.#tellOfLie(node, what);
    }
  }

  /** Not an error of the node or of the network, but something that no honest node says. */
  #caught(node: Node, what: string): void {
    if (lieOf(node) !== undefined) return;
    node.lie = { what, untilMs: now() + this.#options.distrustMs };
    this.#tellOfLie(node, what);
  }

  #tellOfLie(node: Node, what: string): void {
    this.#options.log("node.lied", { node: node.connection.name, what });
    this.#trouble({ type: "lie", node: node.connection.name, what });
  }

  #trouble(trouble: NodeTrouble): void {
    if (this.#troubles.length < TROUBLES_MAX) this.#troubles.push(trouble);
  }

  async #agreedIrreversible(usable: readonly UsableNode[]): Promise<number> {
    const reference = this.#referenceIrreversible();
    if (this.#agreed !== undefined && reference <= this.#agreed.blockNum) return this.#agreed.blockNum;
    if (reference === 0) return 0;
    const able = usable.filter(({ head }) => head.irreversibleBlockNum >= reference);
    const blockId = await this.#vote(`irreversible block ${reference}`, able, (connection) =>
      readBlockId(connection, reference),
    );
    this.#agreed = { blockNum: reference, blockId };
    return reference;
  }

  /**
   * Nodes that are far apart while too few answer to say which of them are right: one has stopped or lies, ahead or behind.
   * What all can agree on goes on being read; people are told once.
   */
  #noticeApart(usable: readonly UsableNode[], apartBlocks: number): void {
    const what = "how far the chain is";
    if (apartBlocks <= IRREVERSIBLE_LAG_BLOCKS_MAX) return void this.#disputes.delete(what);
    const votes = usable.map(({ node, head }) => {
      const text = `irreversible block ${head.irreversibleBlockNum}`;
      return { node, answer: text, text };
    });
    this.#dispute(what, votes, this.#options.quorum, STATE_DISPUTE_MS);
  }

  /** The highest irreversible block that a quorum claims. Who is silent, on another chain or not believed claims none. */
  #referenceIrreversible(): number {
    const claims = this.#nodes.map((node) =>
      node.head !== undefined && node.chainId === this.#chainId && lieOf(node) === undefined
        ? node.head.irreversibleBlockNum
        : 0,
    );
    return claimedBy(claims, this.#options.quorum);
  }

  #whyNot(node: Node, referenceIrreversible: number): string | undefined {
    const { head } = node;
    const { headFreshnessMs } = this.#options;
    const lie = lieOf(node);
    if (lie !== undefined) return `not believed: ${lie}`;
    if (head === undefined) return node.problem ?? "no answer yet";
    if (this.#chainId === undefined) return "too few nodes answer to know which chain it is";
    if (node.chainId !== this.#chainId) return `on another chain, ${node.chainId}`;
    if (headFreshnessMs !== undefined && Date.now() - head.headTimeMs > headFreshnessMs) {
      return `head of ${new Date(head.headTimeMs).toISOString()} is too old`;
    }
    const reference = Math.max(referenceIrreversible, this.#agreed?.blockNum ?? 0);
    if (head.irreversibleBlockNum + IRREVERSIBLE_LAG_BLOCKS_MAX < reference) {
      return `irreversible block ${head.irreversibleBlockNum} lags behind ${reference}`;
    }
    return undefined;
  }

  /**
   * With no chain configured, a quorum decides. Once, then never again.
   */
  #pinChain(): void {
    if (this.#chainId !== undefined) return;
    const ids = this.#nodes.flatMap(({ chainId }) => (chainId === undefined ? [] : [chainId]));
    const votes = (id: string) => ids.filter((other) => other === id).length;
    const [first] = ids.toSorted((a, b) => votes(b) - votes(a));
    if (first !== undefined && votes(first) >= this.#options.quorum) this.#chainId = first;
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
      const head = parseHead(asArray(answer, "objects")[0]);
      this.#notice(node, head.irreversibleBlockNum);
      node.head = head;
      node.problem = undefined;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      node.head = undefined;
      node.problem = error.message;
    }
    node.probedAtMs = now();
  }
}

const topicOf = (what: string): string => what.replace(/\d+/gu, "#");

const lieOf = (node: Node): string | undefined =>
  node.lie !== undefined && now() < node.lie.untilMs ? node.lie.what : node.rewound?.what;

/** The greatest number of which so many claims are that or more. There are at least so many. */
const claimedBy = <N extends number | bigint>(claims: readonly N[], count: number): N =>
  claims.toSorted((a, b) => (a < b ? 1 : a > b ? -1 : 0))[count - 1] as N;

/** The smallest number of which so many claims are that or less. There are at least so many. */
const notBeyond = <N extends number | bigint>(claims: readonly N[], count: number): N =>
  claims.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))[count - 1] as N;

async function within(ms: number, promise: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
