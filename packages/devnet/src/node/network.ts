import { ApiNode, catchUp } from "./api-node.ts";
import type { BlockDirectives } from "./block.ts";
import { Chain } from "./chain.ts";
import { ChainState } from "./chain-state.ts";
import { chainIdOf, type Genesis } from "./genesis.ts";
import type { Transaction } from "./transaction.ts";

interface Group {
  readonly nodes: readonly ApiNode[];
  /** Instances of the witnesses that produce here. */
  readonly witnesses: ReadonlySet<number>;
}

/**
 * The nodes of one chain and the witnesses between them. Linked nodes get every block and every transaction at once.
 * A partition gives each group its own share of the witnesses; when it heals, the longest branch wins everywhere.
 */
export class Network {
  readonly chainId: string;
  readonly nodes: readonly ApiNode[];
  /** Chain seconds from one block to the next. */
  #secondsPerBlock: number;
  #groups: readonly Group[];
  #stalled = false;
  #skipSeconds = 0;
  #transferFee: BlockDirectives["transferFee"];
  /** Turns of the rota that passed in a partition without a block, by group. */
  #turnsPassed = new Map<Group, number>();

  constructor(genesis: Genesis, { nodes, secondsPerBlock }: { nodes: number; secondsPerBlock: number }) {
    this.chainId = chainIdOf(genesis);
    this.#secondsPerBlock = secondsPerBlock;
    this.nodes = Array.from({ length: nodes }, () => {
      const node: ApiNode = new ApiNode(new Chain(new ChainState(genesis, this.chainId)), {
        relay: (transaction) => this.#relay(transaction, node),
      });
      return node;
    });
    this.#groups = [this.#everybody()];
  }

  #everybody(): Group {
    const { state } = (this.nodes[0] as ApiNode).chain;
    return { nodes: this.nodes, witnesses: new Set(state.witnesses.keys()) };
  }

  #relay(transaction: Transaction, from: ApiNode): void {
    const group = this.#groups.find(({ nodes }) => nodes.includes(from));
    for (const node of group?.nodes ?? []) if (node !== from) node.receive(transaction);
  }

  /** One slot passes. In a partition only the group that has the slot's witness makes a block. */
  tick(): void {
    let made = false;
    for (const group of this.#groups) {
      const leader = group.nodes[0] as ApiNode;
      const turns = (this.#turnsPassed.get(group) ?? 0) + 1;
      if (group.witnesses.has(leader.chain.witnessAfter(turns))) {
        this.#makeBlock(group, turns);
        made = true;
      } else this.#turnsPassed.set(group, turns);
    }
    if (made) this.#ordersCarriedOut();
  }

  #ordersCarriedOut(): void {
    this.#skipSeconds = 0;
    this.#transferFee = undefined;
  }

  /** Makes `count` blocks in every group, or in the one with this index, past slots of witnesses that are not there. */
  produce(count: number, groupIndex?: number): void {
    const groups = this.#groups.filter((_, index) => groupIndex === undefined || index === groupIndex);
    for (let made = 0; made < count; made++) {
      for (const group of groups) {
        const { chain } = group.nodes[0] as ApiNode;
        let turns = (this.#turnsPassed.get(group) ?? 0) + 1;
        while (!group.witnesses.has(chain.witnessAfter(turns))) turns++;
        this.#makeBlock(group, turns);
      }
      this.#ordersCarriedOut();
    }
  }

  /**
   * Witnesses run on the nodes of their group in turn, and make blocks of what their own node has pending: so a popped
   * transaction comes back when a witness of the node that popped it is next.
   */
  #producer(group: Group, turns: number): ApiNode {
    const leader = group.nodes[0] as ApiNode;
    const { chain } = leader;
    const node = group.nodes[(chain.witnessAfter(turns) - 1) % group.nodes.length] as ApiNode;
    // Just healed at equal heights: the rota of the other branch is another one.
    return node.chain.state.dynamic.headId === chain.state.dynamic.headId ? node : leader;
  }

  #makeBlock(group: Group, turns: number): void {
    const producer = this.#producer(group, turns);
    const { chain } = producer;
    const interval = chain.state.genesis.blockIntervalSeconds;
    // The first slot of the stride, plus what the stride, missed turns and skipped time leave out.
    const extraSeconds = this.#secondsPerBlock * turns - interval + this.#skipSeconds;
    const block = chain.produce({
      timestamp: chain.slotTime(1) + Math.ceil(extraSeconds / interval) * interval,
      directives: {
        turns,
        ...(this.#stalled ? { stallIrreversibility: true } : {}),
        ...(this.#transferFee === undefined ? {} : { transferFee: this.#transferFee }),
      },
    });
    this.#turnsPassed.delete(group);
    for (const node of group.nodes) if (node !== producer) node.chain.pushBlock(block);
  }

  stallIrreversibility(stalled: boolean): void {
    this.#stalled = stalled;
  }

  skipTime(seconds: number): void {
    this.#skipSeconds += seconds;
  }

  setSecondsPerBlock(seconds: number): void {
    this.#secondsPerBlock = seconds;
  }

  setTransferFee(fee: { fee: bigint; pricePerKbyte: bigint }): void {
    this.#transferFee = fee;
  }

  /** Nodes that no group names form a group of their own; witnesses are dealt out in turn. */
  partition(groups: readonly (readonly number[])[]): void {
    const named = new Set(groups.flat());
    const rest = this.nodes.map((_, index) => index).filter((index) => !named.has(index));
    const all = [...groups, ...(rest.length > 0 ? [rest] : [])].filter((indexes) => indexes.length > 0);
    const witnesses = [...this.#everybody().witnesses];
    this.#turnsPassed.clear();
    this.#groups = all.map((indexes, group) => ({
      nodes: indexes.map((index) => {
        const node = this.nodes[index];
        if (node === undefined) throw new RangeError(`there is no node ${index}`);
        return node;
      }),
      witnesses: new Set(witnesses.filter((_, index) => index % all.length === group)),
    }));
  }

  heal(): void {
    this.#groups = [this.#everybody()];
    this.#turnsPassed.clear();
    for (const node of this.nodes)
      for (const peer of this.nodes)
        if (peer !== node)
          catchUp(node.chain, { from: peer.chain, through: peer.chain.state.dynamic.headNum });
  }
}
