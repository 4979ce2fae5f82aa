import type { Ledger } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";

/** The banner and the receipt of a process that starts: what it is and how it is set, secrets hidden. */
export async function recordStart(
  { ledger, log }: { ledger: Ledger; log: Log },
  process: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  log.info("process.started", settings);
  await ledger.transaction((tx) =>
    tx.receipts.add([{ event: "process.started", subject: process, details: settings }]),
  );
}
