import { createAuditLog } from "@stakebts/core/audit/postgres-audit-log";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import type { Observation } from "@stakebts/core/runtime/observation";
import { repeat } from "@stakebts/core/runtime/loop";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { Log } from "@stakebts/kernel/log";
import { createCheckpoint } from "@stakebts/core/audit/checkpoint";
import { extendHashChain } from "@stakebts/core/audit/hash-chain";
import type { SchedulerConfig } from "./config.ts";

const HASH_CHAIN_EVERY_MS = 5_000;
/** Millions of receipts of before are chained in one go. */
const HASH_CHAIN_MS_MAX = 600_000;
const CHECKPOINT_EVERY_MS = 60_000;

/** Seals receipts as they come, and owes the checkpoint of the day where one is wanted, until the signal. */
export async function keepLog(
  { config, log, progress }: { config: SchedulerConfig; log: Log } & Pick<Observation, "progress">,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<void> {
  const audit = createAuditLog({ url: config.DATABASE_URL });
  const loop = { clock: hostClock, log, progress };
  const { STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT: payee } = config;
  await Promise.all([
    repeat({ ...loop, name: "hash chain entry receipts", stepMsMax: HASH_CHAIN_MS_MAX }, signal, async () => {
      await extendHashChain(audit, signal);
      return HASH_CHAIN_EVERY_MS;
    }),
    ...(payee === undefined
      ? []
      : [
          repeat({ ...loop, name: "checkpoint log" }, signal, async () => {
            await createCheckpoint({ ledger, audit, log }, payee);
            return CHECKPOINT_EVERY_MS;
          }),
        ]),
  ]);
  await audit.close();
}
