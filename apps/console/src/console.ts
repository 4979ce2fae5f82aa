import type { Queue } from "bullmq";
import type { Policy } from "@stakebts/core/domain";
import type {
  ChainReader,
  ConsoleAccess,
  ConsoleSession,
  HostClock,
  Ledger,
  LedgerView,
  Log,
} from "@stakebts/core/ports";
import type { ChainGlance } from "./chain-watch.ts";

/** What the pages are made from. No key is among it, and nothing that could send a transfer. */
export interface ConsoleDeps {
  readonly ledger: Ledger;
  readonly view: LedgerView;
  readonly access: ConsoleAccess;
  readonly chain: ChainReader;
  /** What the nodes said last; `undefined` before they were first asked. */
  readonly glance: () => ChainGlance | undefined;
  readonly queues: readonly Queue[];
  readonly clock: HostClock;
  readonly log: Log;
  readonly policy: Pick<Policy, "minimumBalance">;
  readonly custodian: string;
  /** How browsers see the console, when that is not how it is reached: `https://console.example.org`. */
  readonly origin: string | undefined;
}

/** What every handler behind the guard finds in its context. */
export interface ConsoleEnv {
  Variables: { session: ConsoleSession };
  /** `incoming` is there when a socket is: not in tests that call the router directly. */
  Bindings: { incoming?: { socket: { remoteAddress?: string } } };
}
