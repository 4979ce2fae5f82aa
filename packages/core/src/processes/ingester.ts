import type { ChainReader, NodeTrouble } from "@stakebts/bitshares/chain";
import type { AccountHistoryReader } from "@stakebts/bitshares/account-operations";
import type { MemoReader } from "@stakebts/bitshares/signing";
import { carryOutReplay } from "../imports/carry-out-replay.ts";
import { bindLedger } from "../ledger/bind-ledger.ts";
import { dispatchJobs } from "../ledger/dispatch-jobs.ts";
import { establishCursor, type StartMode } from "../ledger/establish-cursor.ts";
import { checkMemoKeys, findCustodian } from "../ledger/find-custodian.ts";
import { ingestBlocks, type IngestDeps, lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { MemoKeys } from "../ledger/memo-keys.ts";
import { MemoKeyWatch } from "../ledger/watch-memo-key.ts";
import { type HistoryDeps, HistoryWatch, readHistory } from "../ledger/read-history.ts";
import { ReadAhead } from "../ledger/read-ahead.ts";
import { ledgerIsThere, nodeIsThere, queueIsServed } from "../ledger/readiness-checks.ts";
import { recordStart } from "../ledger/record-start.ts";
import { LedgerWatch } from "../ledger/recovery-hold.ts";
import type { JobQueue } from "../queue/queue.ts";
import type { Policy } from "../rules/policy.ts";
import { DONE, repeat } from "../runtime/loop.ts";
import { WakeUp } from "../runtime/wake-up.ts";
import {
  type FreezablePorts,
  type ProcessPorts,
  type ProcessSettings,
  reportFreezes,
  reportNodeTroubles,
} from "./process-ports.ts";

/** Between two looks at the custodian's memo key on the chain. */
const MEMO_KEY_MS = 10_000;
/** Between two looks for blocks that an operator wants read again. */
const REPLAY_MS = 5_000;

export interface IngesterPorts extends ProcessPorts, FreezablePorts {
  readonly chain: ChainReader & Partial<AccountHistoryReader> & { takeTroubles(): readonly NodeTrouble[] };
  readonly ledger: Ledger;
  readonly queue: JobQueue;
  readonly memos: MemoReader;
}

export interface IngesterSettings extends ProcessSettings {
  /** Account name. */
  readonly custodian: string;
  readonly policyOn: (chainId: string) => Policy;
  readonly replay: StartMode;
  readonly skipBlocks: ReadonlySet<number>;
  readonly adminReplay: boolean;
  /** Between two looks at the ledger and at a chain of which everything has been read. */
  readonly pollMs: number;
  /** Between two looks at the head alone; `pollMs` if not said. A block that has become final is read at once. */
  readonly headPollMs?: number | undefined;
}

/** What blocks are read with, by the ingester and by commands that read them too; nothing has been read yet. */
export const newIngestDeps = (
  ports: Pick<HistoryDeps, "chain" | "ledger" | "memos" | "log">,
  settings: Pick<IngestDeps, "policy" | "custodian" | "skipBlocks" | "adminReplay">,
): HistoryDeps => ({
  ...ports,
  ...settings,
  ahead: new ReadAhead(ports.chain, settings.custodian.id),
  memoKeys: new MemoKeys({ ...ports, custodian: settings.custodian }),
  accounts: new Map(),
  watch: new LedgerWatch(),
  history: new HistoryWatch(),
});

/**
 * Reads irreversible blocks and writes down what they mean for the custodian: transfers, what they confirm, what they
 * prove dead. Holds the memo key and can move nothing. Ends with the signal.
 */
export async function runIngester(
  ports: IngesterPorts,
  settings: IngesterSettings,
  signal: AbortSignal,
): Promise<void> {
  const { chain, ledger, queue, memos, clock, log, progress } = ports;
  const custodian = await findCustodian({ chain, clock, log }, settings.custodian, signal);
  if (custodian === undefined) return;
  const newDeps = () =>
    newIngestDeps(
      { chain, ledger, memos, log },
      {
        policy: settings.policyOn(custodian.chainId),
        custodian: custodian.account,
        skipBlocks: settings.skipBlocks,
        adminReplay: settings.adminReplay,
      },
    );
  const deps = newDeps();
  ports.readiness?.requires({
    database: ledgerIsThere(ledger),
    node: nodeIsThere({ chain, clock }),
    queue: queueIsServed(queue),
  });

  const loop = { clock, log, progress };
  await repeat({ ...loop, name: "start" }, signal, async () => {
    // A ledger that has read nothing yet is of a new installation, and its key a mistake. Later it may be changed at any time.
    const cursor = await ledger.transaction((tx) => tx.cursor.read());
    if (cursor === undefined) checkMemoKeys(custodian.account, memos.publicKeys);
    await bindLedger(ledger.control, custodian);
    await recordStart({ ledger, log }, "ingester", settings.shown);
    return DONE;
  });
  const { lookMs } = settings;
  const watch = new MemoKeyWatch(deps);
  await repeat({ ...loop, name: "memo key" }, signal, async () => {
    await watch.look();
    return DONE;
  });
  // It stops nothing here, and is told all the same: so that no process says less than another.
  const freezing = reportFreezes(ports, { process: "ingester", lookMs }, signal);
  await repeat({ ...loop, name: "place cursor" }, signal, async () => {
    await establishCursor(deps, settings.replay);
    return DONE;
  });
  const headPollMs = Math.min(settings.headPollMs ?? settings.pollMs, settings.pollMs);
  /** When everything up to this block was read, and the ledger looked at. */
  let upToDate: { readonly finalBlockNum: number; readonly atMs: number } | undefined;
  let readTo: number | undefined;
  let dispatchedTo: number | undefined;
  const wakeUp = new WakeUp();
  const historyDeps = newDeps();
  await Promise.all([
    repeat({ ...loop, name: "ingest" }, signal, async () => {
      const head = await chain.head();
      const isKnown = lastFinalBlockNum(head.irreversibleBlockNum) === upToDate?.finalBlockNum;
      const ageMs = upToDate === undefined ? 0 : clock.nowMs() - upToDate.atMs;
      if (isKnown && ageMs >= 0 && ageMs + headPollMs <= settings.pollMs) return headPollMs;
      const { ingestedTo, finalBlockNum } = await ingestBlocks(deps, head);
      const isAtEnd = ingestedTo === undefined || ingestedTo === finalBlockNum;
      readTo = ingestedTo ?? readTo;
      upToDate = isAtEnd ? { finalBlockNum, atMs: clock.nowMs() } : undefined;
      wakeUp.call();
      return isAtEnd ? headPollMs : 0;
    }),
    // Over a slow line the history takes seconds, in which the next blocks are read.
    repeat({ ...loop, clock: wakeUp.clock(clock), name: "history and jobs" }, signal, async () => {
      const to = readTo;
      // Before the jobs go out: what a proposal has paid in is answered in its turn.
      const { added } = upToDate === undefined ? { added: 0 } : await readHistory(historyDeps);
      if (to !== dispatchedTo || added > 0) await dispatchJobs({ ledger, queue });
      dispatchedTo = to;
      return settings.pollMs;
    }),
    repeat({ ...loop, name: "memo key" }, signal, async () => {
      if ((await watch.look()) > 0) await dispatchJobs({ ledger, queue });
      return lookMs ?? MEMO_KEY_MS;
    }),
    replayAsOrdered({ ...ports, deps: newDeps() }, settings, signal),
    // Beside it: while nodes lie or disagree, ingesting fails, and this is what has to be said then.
    reportNodeTroubles(
      ports,
      {
        write: async (receipts) => {
          await ledger.transaction((tx) => tx.receipts.add(receipts));
        },
        lookMs,
      },
      signal,
    ),
  ]);
  await freezing;
}

/** What operators want read again, in small steps beside the new blocks, with a place of its own to read at. */
const replayAsOrdered = (
  { clock, log, progress, ledger, queue, deps }: IngesterPorts & { readonly deps: HistoryDeps },
  { lookMs }: IngesterSettings,
  signal: AbortSignal,
): Promise<void> =>
  repeat({ clock, log, progress, name: "replay" }, signal, async () => {
    const did = await carryOutReplay(deps);
    if (did !== "none") await dispatchJobs({ ledger, queue });
    return did === "step" ? 0 : (lookMs ?? REPLAY_MS);
  });
