import { setTimeout as delay } from "node:timers/promises";
import { wifFromSeed } from "@stakebts/devnet";
import type { AuditTerms } from "@stakebts/testkit/simulator/auditor";
import { Prng } from "@stakebts/testkit/simulator/prng";
import type { Break } from "./breaks.ts";
import { ChainWatch, memoOpener, ownNode } from "./chain-watch.ts";
import type { Fault } from "./fault.ts";
import { FAULTS } from "./faults.ts";
import { mutatedWorkers } from "./mutated-workers.ts";
import { CUSTODIAN, Nominators, planSendings, SENDING_LIFE_SECONDS } from "./nominators.ts";
import { judge, type Verdict } from "./oracle.ts";
import { Recovery } from "./recovery.ts";
import {
  endFaults,
  EXPIRATION_SECONDS,
  MONTH_SECONDS,
  queueStates,
  type ReplicatedCluster,
  startReplicated,
  stopReplicated,
} from "./replicated-cluster.ts";

const LOOK_MS = 100;
/** A ledger that has nothing open for so long, while debts are unpaid, will not pay them. */
const LOST_AFTER_MS = 3_000;
const LINES_SHOWN = 8;
/** Of the chain. Others last three minutes. */
const LONG_HOLD_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

export interface ChaosOptions {
  readonly rounds: number;
  /** Of the first round; the next one has the next number. */
  readonly seed: number;
  /** How long things go wrong in each round. */
  readonly faultsMs: number;
  /** How long the cluster may take afterwards until everything is paid. */
  readonly calmMs: number;
  /** One safeguard less. */
  readonly without?: Break | undefined;
  readonly log: (line: string) => void;
  readonly logFile?: string | undefined;
}

export interface ChaosResult {
  readonly rounds: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly payouts: number;
  /** Transfers that executed proposals have paid. */
  readonly proposals: number;
  readonly paidTwice: number;
  readonly lost: number;
  readonly stuck: number;
  /** All else that must not be: paid and not owed, too early, a failed assertion of the product. */
  readonly wrong: number;
  readonly recoveryMs: { readonly p50: number | undefined; readonly p95: number | undefined };
}

/** Runs the rounds, one after the other, on one cluster; ends with the first round after which something is wrong. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { without, log, logFile } = options;
  const mutated = without === undefined ? undefined : await mutatedWorkers(without.patches);
  try {
    const target = await startReplicated({ processes: mutated?.folder, without, log, logFile });
    const watch = new ChainWatch(ownNode(target.cluster.devnet));
    const nominators = new Nominators(ownNode(target.cluster.devnet));
    try {
      return await new Run(options, { target, watch, nominators, terms: await termsOf(watch) }).rounds();
    } finally {
      nominators.close();
      watch.close();
      await stopReplicated(target);
    }
  } finally {
    mutated?.remove();
  }
}

async function termsOf(watch: ChainWatch): Promise<AuditTerms> {
  return {
    monthMs: MONTH_SECONDS * 1_000,
    custodian: await watch.accountId(CUSTODIAN),
    // No account has these roles here.
    exchange: "1.2.0",
    reserve: "1.2.0",
    manager: "1.2.0",
    depositMemo: "",
    memoText: memoOpener(wifFromSeed(`${CUSTODIAN}-memo`)),
  };
}

interface Scene {
  readonly target: ReplicatedCluster;
  readonly watch: ChainWatch;
  readonly nominators: Nominators;
  readonly terms: AuditTerms;
}

class Run {
  readonly #options: ChaosOptions;
  readonly #scene: Scene;
  readonly #faults = new Map<string, number>();
  readonly #recovery = new Recovery();
  /** The end of the long recovery hold that was waited for last. */
  #passedHold: string | undefined;

  constructor(options: ChaosOptions, scene: Scene) {
    this.#options = options;
    this.#scene = scene;
  }

  async rounds(): Promise<ChaosResult> {
    const { rounds, seed, log } = this.#options;
    const { target } = this.#scene;
    let payouts = 0;
    for (let round = 1; ; round++) {
      const startedMs = Date.now();
      const end = await this.#round(new Prng(seed + round - 1));
      const { verdict, lost, stuck } = end;
      const broken = target.replicas.flatMap((replica) => replica.broken);
      const wrong = [...verdict.wrong, ...broken, ...target.unnoticed];
      const isWrong = verdict.paidTwice.length + lost.length + stuck.length + wrong.length > 0;
      log(
        `round ${round} (seed ${seed + round - 1}): ${verdict.payouts - payouts} payouts, ${end.faults.join(" ")}; ` +
          `${isWrong ? "NOT settled" : `settled after ${seconds(end.settledMs)}`}, ${seconds(Date.now() - startedMs)} in all`,
      );
      payouts = verdict.payouts;
      if (isWrong) {
        await this.#explain({ ...end, wrong });
      }
      if (isWrong || round === rounds)
        return {
          rounds: round,
          faults: this.#faults,
          payouts,
          proposals: this.#scene.watch.proposed,
          paidTwice: verdict.paidTwice.length,
          lost: lost.length,
          stuck: stuck.length,
          wrong: wrong.length,
          recoveryMs: { p50: this.#recovery.percentileMs(50), p95: this.#recovery.percentileMs(95) },
        };
    }
  }

  async #round(prng: Prng): Promise<RoundEnd> {
    const { target, nominators } = this.#scene;
    const { faultsMs, without } = this.#options;
    const planned = planSendings(prng.split(), { lengthMs: faultsMs });
    const sendings = [...planned, ...(without?.sendings ?? [])].sort((a, b) => a.atMs - b.atMs);
    const looking = new AbortController();
    const look = this.#lookAround(looking.signal);
    const happened: string[] = [];
    const troubles = new Prng(prng.int(0, 2 ** 31));
    const faults =
      without === undefined
        ? this.#drawFaults(troubles, happened)
        : this.#happen({ kind: without.name, happen: without.scenario }, troubles, happened);
    const startedMs = Date.now();
    try {
      for (const sending of sendings) {
        await delay(Math.max(0, startedMs + sending.atMs - Date.now()));
        await nominators.send(sending);
      }
      await nominators.allApproved();
      await faults;
      endFaults(target);
      without?.lasting?.(target);
      const calmSinceMs = Date.now();
      const end = await this.#settle();
      return { ...end, faults: happened, settledMs: Date.now() - calmSinceMs };
    } finally {
      looking.abort();
      await look;
    }
  }

  /** Draws from a deck of all faults, so that each has its turn, and lets them happen, also several at once. */
  async #drawFaults(prng: Prng, happened: string[]): Promise<void> {
    const { faultsMs } = this.#options;
    const hasRedis = this.#scene.target.cluster.redisUrl !== undefined;
    const deck = FAULTS.filter(({ needsRedis }) => hasRedis || needsRedis !== true).flatMap((fault) =>
      Array.from({ length: fault.weight }, () => fault),
    );
    const untilMs = Date.now() + faultsMs;
    const going: Promise<void>[] = [];
    const busy = new Set<string>();
    while (Date.now() < untilMs && deck.length > 0) {
      await delay(prng.int(200, 1_400));
      const [fault] = deck.splice(prng.int(0, deck.length - 1), 1);
      const { alone } = fault as Fault;
      if (fault === undefined || (alone !== undefined && busy.has(alone))) continue;
      if (alone !== undefined) busy.add(alone);
      going.push(
        this.#happen(fault, prng.split(), happened).then(() => {
          if (alone !== undefined) busy.delete(alone);
        }),
      );
    }
    await Promise.all(going);
  }

  async #happen(
    { kind, happen }: Pick<Fault, "kind" | "happen">,
    prng: Prng,
    happened: string[],
  ): Promise<void> {
    const place = happened.push(kind) - 1;
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
    await happen(this.#scene.target, prng, (what) => {
      happened[place] = `${kind} (${what})`;
    });
    this.#recovery.faultEnded(Date.now(), this.#judge().unpaid);
  }

  #judge(): Verdict {
    const { watch, nominators, terms } = this.#scene;
    return judge(watch, nominators.intentions, terms, nominators.stoppedByProposal);
  }

  async #lookAround(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#scene.watch.read();
      this.#recovery.saw(Date.now(), this.#judge().unpaid);
      await delay(LOOK_MS);
    }
  }

  /** Until everything is paid and a transaction's life has passed since, or until something is wrong. */
  async #settle(): Promise<Pick<RoundEnd, "verdict" | "lost" | "stuck">> {
    const { watch } = this.#scene;
    const deadlineMs = Date.now() + this.#options.calmMs;
    const lastSentMs = watch.headTimeMs;
    let doneSinceMs: number | undefined;
    let settledAtMs: number | undefined;
    for (;;) {
      await delay(LOOK_MS);
      await this.#passLongHold();
      const verdict = this.#judge();
      const names = [...verdict.unpaid];
      const isDone = await this.#ledgerIsDone();
      doneSinceMs = isDone ? (doneSinceMs ?? Date.now()) : undefined;
      const isPaid = names.length + verdict.notDue === 0 && isDone && this.#everySendingIsDecided(lastSentMs);
      settledAtMs = isPaid ? (settledAtMs ?? watch.finalTimeMs) : undefined;
      if (verdict.paidTwice.length + verdict.wrong.length > 0) return { verdict, lost: [], stuck: [] };
      if (settledAtMs !== undefined && watch.finalTimeMs > settledAtMs + 2 * EXPIRATION_SECONDS * 1_000)
        return { verdict, lost: [], stuck: [] };
      if (names.length > 0 && doneSinceMs !== undefined && Date.now() - doneSinceMs > LOST_AFTER_MS)
        return { verdict, lost: names, stuck: [] };
      if (Date.now() > deadlineMs)
        return { verdict, lost: [], stuck: names.length > 0 ? names : ["the ledger has something open"] };
    }
  }

  /** One node that lies while another one is away can make a recovery hold a day longer, and no more: the day passes. */
  async #passLongHold(): Promise<void> {
    const { cluster } = this.#scene.target;
    const [hold] = await cluster.database
      .query<{ until: string; left: string }>(
        `SELECT recovery_hold_until_ms AS until, (recovery_hold_until_ms - block_time_ms) / 1000 AS left
           FROM control, chain_cursor WHERE recovery_hold_until_ms IS NOT NULL`,
      )
      .catch(() => []);
    const leftSeconds = Number(hold?.left ?? 0);
    const isLong = leftSeconds > LONG_HOLD_SECONDS && leftSeconds < DAY_SECONDS + LONG_HOLD_SECONDS;
    if (hold === undefined || !isLong || hold.until === this.#passedHold) return;
    this.#passedHold = hold.until;
    this.#options.log(`a recovery hold ends in ${(leftSeconds / 3_600).toFixed(1)} hours: they pass`);
    cluster.devnet.skipTime(leftSeconds);
  }

  /** In a final block, or in none ever. */
  #everySendingIsDecided(lastSentMs: number): boolean {
    const { watch, nominators } = this.#scene;
    if (watch.finalTimeMs > lastSentMs + SENDING_LIFE_SECONDS * 1_000) return true;
    const found = new Set(watch.blocks.flatMap(({ transactions }) => transactions.map(({ txid }) => txid)));
    return [...nominators.intentions.keys()].every((signature) => found.has(signature));
  }

  /**
   * It has read every block in which something happened, and the account's history up to there, and has nothing open. Only to tell what is late from what is
   * lost: whether anything is paid is read from the chain.
   */
  async #ledgerIsDone(): Promise<boolean> {
    const { blocks } = this.#scene.watch;
    const lastEventful = blocks.findLast(({ transactions }) => transactions.length > 0)?.blockNum ?? 0;
    const [row] = await this.#scene.target.cluster.database
      .query<{ open: string }>(
        `SELECT (SELECT count(*) FROM stake_row WHERE status IN ('pending', 'processing', 'paid'))
              + (SELECT count(*) FROM payout WHERE status <> 'confirmed')
              + (SELECT count(*) FROM transfer WHERE status = 'undecided')
              + (SELECT count(*) FROM chain_cursor WHERE least(block_num, history_block_num) < ${lastEventful}) AS open`,
      )
      .catch(() => []);
    return row?.open === "0";
  }

  async #explain({
    verdict,
    lost,
    stuck,
    wrong,
  }: RoundEnd & { readonly wrong: readonly string[] }): Promise<void> {
    const { log } = this.#options;
    const { target } = this.#scene;
    const say = (what: string, names: readonly string[]) => {
      if (names.length > 0) log(`  ${what}: ${names.slice(0, LINES_SHOWN).join("\n    ")}`);
    };
    say("paid twice", verdict.paidTwice);
    say("lost", lost);
    say("stuck", stuck);
    say("wrong", wrong);
    log(`  queues: ${await queueStates(target).catch((error: unknown) => String(error))}`);
    log(`  ledger: ${(await target.cluster.report()).replaceAll("\n", "\n  ")}`);
  }
}

interface RoundEnd {
  readonly verdict: Verdict;
  readonly lost: readonly string[];
  readonly stuck: readonly string[];
  readonly faults: readonly string[];
  readonly settledMs: number;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** The result as one line. */
export function summary(result: ChaosResult): string {
  const faults = [...result.faults].sort(([a], [b]) => a.localeCompare(b)).map(([kind, n]) => `${kind}=${n}`);
  const took = (ms: number | undefined) => (ms === undefined ? "-" : seconds(ms).replace(" ", ""));
  return [
    `rounds=${result.rounds}`,
    `faults: ${faults.join(" ")}`,
    `payouts=${result.payouts} proposals=${result.proposals}`,
    `paid_twice=${result.paidTwice} lost=${result.lost} stuck=${result.stuck} wrong=${result.wrong}`,
    `recovery p50=${took(result.recoveryMs.p50)} p95=${took(result.recoveryMs.p95)}`,
  ].join(" | ");
}

export const isSound = ({ paidTwice, lost, stuck, wrong }: ChaosResult): boolean =>
  paidTwice + lost + stuck + wrong === 0;
