import { type ControlServer, startControl } from "./control-server.ts";
import type { DevnetFaults } from "./node/faults.ts";
import { type Genesis, genesisWitnesses } from "./node/genesis.ts";
import { privateKeyFromWif, publicKeyOf } from "./node/keys.ts";
import { Network } from "./node/network.ts";
import type { Wire } from "./node/json-text.ts";
import { Transaction } from "./node/transaction.ts";
import { dearApproval } from "./node/dear.ts";
import { unreadableProposal } from "./node/unreadable.ts";

export interface DevnetAccount {
  readonly name: string;
  /** WIF, like the others. */
  readonly activeKey: string;
  /** Default: the active key. */
  readonly memoKey?: string;
  /** Default: the active key. */
  readonly ownerKey?: string;
  /** Of the core asset, default 0. */
  readonly balanceShares?: bigint;
  readonly lifetimeMember?: boolean;
  /** Of the foreign asset 1.3.1 TESTUSD (4 decimals), default 10^10. */
  readonly testAssetUnits?: bigint;
}

/** In shares of the core asset. */
export interface TransferFee {
  readonly fee: bigint;
  readonly pricePerKbyte: bigint;
}

export interface DevnetOptions {
  /** They get the ids 1.2.N in this order, after the reserved ones and the witnesses' (first one: 6 + witnesses). */
  readonly accounts: readonly DevnetAccount[];
  /** Linked API nodes of one chain, default 1. */
  readonly nodes?: number;
  /** Default 7: the last irreversible block is about 4 behind the head. */
  readonly witnesses?: number;
  /** Real time between blocks, default 1000; "manual": only produce() makes blocks. */
  readonly blockIntervalMs?: number | "manual";
  /** Chain time between blocks, default 3. May be days: then it is as if slots had been missed. */
  readonly secondsPerBlock?: number;
  /** Default: now. Rounded down to a multiple of the block interval. */
  readonly genesisTime?: Date;
  /** Default 86 400. */
  readonly maximumTimeUntilExpirationSeconds?: number;
  /** Default 86 869 and 57 913 per 1024 bytes of memo, as the main network once had. */
  readonly transferFee?: TransferFee;
  /** Bytes without signatures, default 98 304. */
  readonly maximumTransactionSize?: number;
  /** Default 86 400. */
  readonly maintenanceIntervalSeconds?: number;
  /** Default "BTS". */
  readonly addressPrefix?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Of the first node; the others follow. Default 0: any free ones. */
  readonly port?: number;
  /** Also listen for orders from other processes (`control-server.ts`); 0 = any free port. Default: do not. */
  readonly controlPort?: number;
  /** Entries kept per account history, default 1000. */
  readonly maxOpsPerAccount?: number;
}

export interface DevnetNode {
  readonly url: string;
  readonly faults: DevnetFaults;
}

export interface Devnet {
  /** sha256 of the genesis text. */
  readonly chainId: string;
  /** `ws://…`, one per node. */
  readonly urls: readonly string[];
  readonly nodes: readonly DevnetNode[];
  /** `http://…/control`, if a control port was asked for. */
  readonly controlUrl: string | undefined;
  /** Resolves when the devnet has been stopped, in any way. */
  readonly stopped: Promise<void>;
  /** Makes blocks now and gives them to all linked nodes. In a partition: in every group, or in the one named. */
  produce(count?: number, group?: number): Promise<void>;
  /**
   * Makes blocks, at least `count`, until all that is in a block now is below the last irreversible one. How many that takes depends on
   * which witness has its turn, and that is random. Throws after a hundred more: nothing becomes irreversible.
   */
  produceUntilFinal(count?: number): Promise<void>;
  /** Stops production: head and last irreversible block stand still. */
  pause(): void;
  resume(): void;
  /** From the next block on, in the words of {@link DevnetOptions}. Throws if the seconds are not whole or less than 1. */
  setPace(pace: { readonly blockIntervalMs: number; readonly secondsPerBlock: number }): void;
  /** Blocks go on, but none becomes irreversible any more. */
  stallIrreversibility(stalled: boolean): void;
  /** The next block's timestamp is that much later. */
  skipTime(seconds: number): void;
  /** In force after the next block, which is a maintenance block. */
  setTransferFee(fee: TransferFee): void;
  /** Groups of node indexes that no longer see each other. Witnesses are dealt out among them in turn. */
  partition(groups: readonly (readonly number[])[]): void;
  /** The longest branch wins; transactions of the others go back to the front of the pending ones. */
  heal(): void;
  /** Puts an operation into a coming block as it is, unsigned and unpaid: also one that no client knows. */
  injectOperation(operation: readonly [tag: number, value: Wire], options?: { node?: number }): void;
  /** Puts a proposal into a coming block that holds a string which is no UTF-8: no node can send that block over a WebSocket. */
  injectUnreadable(options?: { node?: number }): void;
  /** Puts approvals by keys into coming blocks, each as large as a transaction may be: they are dear to read. */
  injectDear(count: number, options?: { node?: number }): void;
  stop(): Promise<void>;
}

const UNTIL_FINAL_BLOCKS_MAX = 100;

/** Starts nodes in this process. Rejects if a port is taken; throws for keys that are not WIF. */
export async function startDevnet(options: DevnetOptions): Promise<Devnet> {
  const { nodes = 1, secondsPerBlock = 3, host = "127.0.0.1", port = 0 } = options;
  let { blockIntervalMs = 1000 } = options;
  checkStride(secondsPerBlock);
  const network = new Network(genesisOf(options, secondsPerBlock), { nodes, secondsPerBlock });
  try {
    for (const [index, node] of network.nodes.entries())
      await node.start({ host, port: port === 0 ? 0 : port + index });
  } catch (error) {
    await Promise.all(network.nodes.map((node) => node.stop()));
    throw error;
  }

  let timer: NodeJS.Timeout | undefined;
  const resume = () => {
    if (blockIntervalMs !== "manual") timer ??= setInterval(() => network.tick(), blockIntervalMs);
  };
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
  };
  let control: ControlServer | undefined;
  let stopping: Promise<void> | undefined;
  let announceStop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (announceStop = resolve));
  const shutDown = async () => {
    pause();
    await Promise.all([control?.stop(), ...network.nodes.map((node) => node.stop())]);
    announceStop();
  };
  const inject = (node: number, operationAt: (headTimeSec: number) => ForeignOperation): void => {
    const target = network.nodes[node];
    if (target === undefined) throw new RangeError(`there is no node ${node}`);
    const { codec, dynamic } = target.chain.state;
    target.receive(foreignTransaction(codec, dynamic.headTime, operationAt(dynamic.headTime)));
  };
  const devnet: Devnet = {
    chainId: network.chainId,
    urls: network.nodes.map(({ url }) => url),
    nodes: network.nodes.map(({ url, faults }) => ({ url, faults })),
    get controlUrl() {
      return control?.url;
    },
    stopped,
    produce: async (count = 1, group) => network.produce(count, group),
    produceUntilFinal: async (count = 1) => {
      const dynamic = () => (network.nodes[0] as (typeof network.nodes)[number]).chain.state.dynamic;
      const { headNum } = dynamic();
      network.produce(count);
      for (let more = 0; dynamic().irreversibleNum <= headNum; more++) {
        if (more === UNTIL_FINAL_BLOCKS_MAX) throw new Error(`block ${headNum} does not become irreversible`);
        network.produce(1);
      }
    },
    pause,
    resume,
    setPace: (pace) => {
      checkStride(pace.secondsPerBlock);
      pause();
      ({ blockIntervalMs } = pace);
      network.setSecondsPerBlock(pace.secondsPerBlock);
      resume();
    },
    stallIrreversibility: (stalled) => network.stallIrreversibility(stalled),
    skipTime: (seconds) => network.skipTime(seconds),
    setTransferFee: (fee) => network.setTransferFee(fee),
    partition: (groups) => network.partition(groups),
    heal: () => network.heal(),
    injectOperation: ([tag, value], { node = 0 } = {}) => {
      const packed = Buffer.from(JSON.stringify(value), "utf8");
      inject(node, () => ({ tag, value, packed }));
    },
    injectUnreadable: ({ node = 0 } = {}) => inject(node, unreadableProposal),
    injectDear: (count, { node = 0 } = {}) => {
      for (let n = 0; n < count; n++) inject(node, () => dearApproval(n, options.addressPrefix));
    },
    stop: () => (stopping ??= shutDown()),
  };
  try {
    if (options.controlPort !== undefined)
      control = await startControl(devnet, { host, port: options.controlPort });
  } catch (error) {
    await devnet.stop();
    throw error;
  }
  resume();
  return devnet;
}

function checkStride(secondsPerBlock: number): void {
  if (!Number.isSafeInteger(secondsPerBlock) || secondsPerBlock < 1)
    throw new RangeError("secondsPerBlock is a whole number of seconds, at least 1");
}

interface ForeignOperation {
  readonly tag: number;
  readonly value: Wire;
  readonly packed: Buffer;
}

let injected = 0;

/** Of an operation that was only injected the bytes are the JSON text: they cannot be checked, as with any unknown operation. */
function foreignTransaction(
  codec: Transaction["codec"],
  headTime: number,
  value: ForeignOperation,
): Transaction {
  const operation = { tag: "foreign", value } as const;
  // A number of its own keeps two equal injections apart.
  return new Transaction(
    codec,
    {
      refBlockNum: ++injected & 0xffff,
      refBlockPrefix: injected,
      expiration: headTime + 3600,
      operations: [operation],
      signatures: [],
    },
    { injected: true },
  );
}

function genesisOf(options: DevnetOptions, secondsPerBlock: number): Genesis {
  const { genesisTime = new Date(), witnesses = 7, accounts } = options;
  const blockIntervalSeconds = legalInterval(secondsPerBlock);
  const seconds = Math.floor(genesisTime.getTime() / 1000);
  return {
    addressPrefix: options.addressPrefix ?? "BTS",
    time: seconds - (seconds % blockIntervalSeconds),
    blockIntervalSeconds,
    maintenanceIntervalSeconds: options.maintenanceIntervalSeconds ?? 86_400,
    maximumTimeUntilExpirationSeconds: options.maximumTimeUntilExpirationSeconds ?? 86_400,
    maximumTransactionSize: options.maximumTransactionSize ?? 98_304,
    transferFee: options.transferFee ?? { fee: 86_869n, pricePerKbyte: 57_913n },
    witnesses: genesisWitnesses(witnesses),
    accounts: accounts.map((account) => {
      const key = (wif: string) => publicKeyOf(privateKeyFromWif(wif));
      return {
        name: account.name,
        ownerKey: key(account.ownerKey ?? account.activeKey),
        activeKey: key(account.activeKey),
        memoKey: key(account.memoKey ?? account.activeKey),
        balanceShares: account.balanceShares ?? 0n,
        lifetimeMember: account.lifetimeMember ?? false,
        testAssetUnits: account.testAssetUnits ?? 10_000_000_000n,
      };
    }),
    maxOpsPerAccount: options.maxOpsPerAccount ?? 1000,
  };
}

/** `block_interval` must be 1 to 30: longer strides are made of several slots, all but the last one missed. */
function legalInterval(secondsPerBlock: number): number {
  if (secondsPerBlock <= 30) return secondsPerBlock;
  for (const interval of [3, 5, 2, 7]) if (secondsPerBlock % interval === 0) return interval;
  return 1;
}
