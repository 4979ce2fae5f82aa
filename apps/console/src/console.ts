import type { Queue } from "bullmq";
import type { Policy } from "@stakebts/core/rules/policy";
import type { ChainReader } from "@stakebts/bitshares/chain";
import type { AuditLog } from "@stakebts/core/audit/audit-log";
import type { ExplorerLinks } from "@stakebts/core/config/policy-file";
import type { Browser } from "@stakebts/core/operators/browse/browser";
import type { ConsoleAccess, ConsoleSession, PasswordCost } from "@stakebts/core/operators/console-access";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { LedgerView } from "@stakebts/core/ledger/view";
import type { Log } from "@stakebts/kernel/log";
import type { ChainGlance } from "./chain-watch.ts";
import type { Changes } from "./live.ts";

/** What the pages are made from. No key is among it, and nothing that could send a transfer. */
export interface ConsoleDeps {
  readonly ledger: Ledger;
  readonly view: LedgerView;
  readonly browse: Browser;
  readonly audit: AuditLog;
  readonly access: ConsoleAccess;
  readonly chain: ChainReader;
  /** What the nodes said last; `undefined` before they were first asked. */
  readonly glance: () => ChainGlance | undefined;
  readonly queues: readonly Queue[];
  readonly changes: Changes;
  readonly clock: HostClock;
  readonly log: Log;
  readonly policy: Policy;
  readonly explorer: ExplorerLinks;
  readonly custodian: string;
  /** How browsers see the console, when that is not how it is reached: `https://console.example.org`. */
  readonly origin: string | undefined;
  /** Of the hash that the password for an unknown name is held against. Default: that of a new password. */
  readonly passwordCost?: PasswordCost | undefined;
  /** Sums over the whole ledger are shown up to this age (host time) while they are made again. */
  readonly sumsAgeMsMax: number;
}

/** What every handler behind the guard finds in its context. */
export interface ConsoleEnv {
  Variables: { session: ConsoleSession };
  /** `incoming` is there when a socket is: not in tests that call the router directly. */
  Bindings: { incoming?: { socket: { remoteAddress?: string } } };
}
