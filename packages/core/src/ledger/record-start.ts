import type { Ledger } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import { VERSION } from "../runtime/version.ts";

/** The banner and the receipt of a process that starts: what it is and how it is set, secrets hidden. */
export async function recordStart(
  { ledger, log }: { ledger: Ledger; log: Log },
  process: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const details = startDetails(settings);
  log.info("process.started", details);
  await ledger.transaction((tx) =>
    tx.receipts.add([{ event: "process.started", subject: process, details }]),
  );
}

export const startDetails = (
  settings: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => ({
  version: VERSION,
  ...settings,
});
