import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { policyOf } from "@stakebts/core/config/policy-file";
import { rolesOf } from "@stakebts/core/config/exchange-settings";
import type { Roles } from "@stakebts/core/rules/decide";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { Log } from "@stakebts/kernel/log";
import { checkMemoKeys } from "@stakebts/core/ledger/find-custodian";
import type { IngestDeps } from "@stakebts/core/ledger/ingest-blocks";
import { newIngestDeps } from "@stakebts/core/processes/ingester";
import { readSettings } from "./config.ts";
import type { Context } from "./context.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * What the ingester reads blocks with and the scheduler decides by: the same settings, for a command that does both.
 * @param ledger where to; without it the one of DATABASE_URL
 */
export async function ingestDeps(
  context: Context,
  ledger: Ledger = context.ledger,
): Promise<IngestDeps & { readonly roles: Roles }> {
  const settings = readSettings("ingest", context.environment);
  const memos = createMemoReader({ wifs: settings.STAKEBTS_MEMO_KEY });
  const { chain } = context;
  const custodian = await context.custodian();
  checkMemoKeys(custodian, memos.publicKeys);
  const { policy, managers } = policyOf(settings.STAKEBTS_POLICY, await chain.chainId());
  const deps = newIngestDeps(
    { chain, ledger, memos, log: silent },
    {
      policy,
      custodian,
      skipBlocks: new Set(settings.STAKEBTS_SKIP_BLOCKS),
      adminReplay: settings.STAKEBTS_ADMIN_REPLAY === "on",
    },
  );
  return { ...deps, roles: rolesOf(settings, managers) };
}
