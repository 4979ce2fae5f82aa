import type { AccountHistoryReader, AccountOperationReader } from "@stakebts/bitshares/account-operations";
import type { ChainReader, NodeTrouble } from "@stakebts/bitshares/chain";
import { DirectAlerts } from "../alerts/send-notifications.ts";
import type { NotificationChannel } from "../alerts/channels.ts";
import { BalanceMonitor, type BalanceState } from "../custody/balance-monitor.ts";
import type { MonitorLedger } from "../custody/monitor-ledger.ts";
import { SpendMonitor, type SpendMonitorDeps, type SpendMonitorState } from "../custody/spend-monitor.ts";
import { ImportCheck } from "../custody/import-check.ts";
import { IncomingCheck } from "../custody/incoming-check.ts";
import { OverdueCheck } from "../custody/overdue-check.ts";
import { SettlementCheck } from "../custody/settlement-check.ts";
import { bindLedger } from "../ledger/bind-ledger.ts";
import { findCustodian } from "../ledger/find-custodian.ts";
import { ledgerIsThere, nodeIsThere } from "../ledger/readiness-checks.ts";
import { startDetails } from "../ledger/record-start.ts";
import type { OwedAccounts } from "../rules/owed.ts";
import { StartupError } from "@stakebts/kernel/errors";
import { type Policy, termsEver } from "../rules/policy.ts";
import { DONE, repeat } from "../runtime/loop.ts";
import { type ProcessPorts, type ProcessSettings, reportNodeTroubles } from "./process-ports.ts";

/** What could not be told is tried again. */
const TELL_EVERY_MS = 5_000;

export interface WatcherPorts extends ProcessPorts {
  readonly chain: ChainReader &
    AccountOperationReader &
    Partial<AccountHistoryReader> & { takeTroubles(): readonly NodeTrouble[] };
  readonly ledger: MonitorLedger;
  readonly channels: readonly NotificationChannel[];
  /** Lets the others know, until the signal, that a watcher is there. */
  readonly showPresence: (signal: AbortSignal) => Promise<void>;
  /** Given how far the watcher has looked; answers what is to be told of each alert. */
  readonly measure?: ((state: () => SpendMonitorState) => SpendMonitorDeps["onAlert"]) | undefined;
  readonly measureBalance?: ((state: () => BalanceState) => void) | undefined;
}

export interface WatcherSettings extends ProcessSettings {
  /** Account name. */
  readonly custodian: string;
  /** Of this moment, as is `owed`: the file is read again. StartupError when it cannot be read, or is wrong. */
  readonly policyOn: (
    chainId: string,
  ) => Pick<
    Policy,
    "maxNetworkFee" | "terms" | "earlierTerms" | "acceptedAmounts" | "invalidRequestFee" | "refundAbove"
  >;
  readonly owed: () => OwedAccounts;
  /** What this installation is called in messages. */
  readonly installation: string;
  readonly pollMs: number;
}

/**
 * Looks at every block for what the custodian's authority does in it, at every debt that the ledger calls paid, and at what it makes of
 * incoming transfers, and switches payments off when ledger and chain do not account for each other. Holds no key. Trusts no other process: it asks nodes and reads the ledger itself, and tells operators
 * itself. Ends with the signal.
 */
export async function runWatcher(
  ports: WatcherPorts,
  settings: WatcherSettings,
  signal: AbortSignal,
): Promise<void> {
  const { chain, ledger, channels, clock, log, progress } = ports;
  const custodian = await findCustodian({ chain, clock, log }, settings.custodian, signal);
  if (custodian === undefined) return;
  const directAlerts = new DirectAlerts({ channels, clock, log, installation: settings.installation });
  const measured = ports.measure?.(() => monitor.state);
  const rulesOf = () => {
    const policy = settings.policyOn(custodian.chainId);
    return { ...settings.owed(), policy, maxNetworkFee: policy.maxNetworkFee, terms: termsEver(policy) };
  };
  let last = rulesOf();
  const rules = () => {
    try {
      last = rulesOf();
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      log.warn("policy.unread", { message: error.message });
    }
    return last;
  };
  const onAlert: SpendMonitorDeps["onAlert"] = (alert) => {
    measured?.(alert);
    directAlerts.job(alert);
  };
  const everyCheck = {
    chain,
    ledger,
    log,
    custodian: custodian.account,
    onAlert,
  };
  const monitor = new SpendMonitor({ ...everyCheck, rules });
  const settlements = new SettlementCheck(everyCheck);
  const incoming = new IncomingCheck({ ...everyCheck, rules });
  const imports = new ImportCheck(everyCheck);
  const overdue = new OverdueCheck(everyCheck);
  const balance = new BalanceMonitor(everyCheck);
  ports.measureBalance?.(() => balance.state);
  ports.readiness?.requires({ database: ledgerIsThere(ledger), node: nodeIsThere({ chain, clock }) });
  const loop = { clock, log, progress };
  await repeat({ ...loop, name: "start" }, signal, async () => {
    await bindLedger(ledger, custodian);
    const details = startDetails(settings.shown);
    await ledger.addReceipts([{ event: "process.started", subject: "watcher", details }]);
    log.info("process.started", details);
    return DONE;
  });
  await Promise.all([
    ports.showPresence(signal),
    repeat({ ...loop, name: "watch" }, signal, async () => ((await monitor.look()) ? 0 : settings.pollMs)),
    repeat({ ...loop, name: "check settlements and imports" }, signal, async () => {
      await settlements.look();
      await imports.look();
      return settings.pollMs;
    }),
    repeat({ ...loop, name: "check incoming transfers" }, signal, async () =>
      (await incoming.look()) ? 0 : settings.pollMs,
    ),
    repeat({ ...loop, name: "check what is overdue" }, signal, async () => {
      await overdue.look();
      return settings.pollMs;
    }),
    // Beside it: what keeps one of them from its work must not keep the other.
    repeat({ ...loop, name: "compare balance" }, signal, async () =>
      (await balance.look()) ? 0 : settings.pollMs,
    ),
    reportNodeTroubles(ports, { write: ledger.addReceipts, lookMs: settings.lookMs }, signal),
    repeat({ ...loop, name: "tell people" }, signal, async () => {
      await directAlerts.tell();
      return TELL_EVERY_MS;
    }),
  ]);
}
