import { createMemoReader } from "@stakebts/core/adapters";
import { policyOf, rolesOf } from "@stakebts/core/config";
import type { Roles } from "@stakebts/core/domain";
import type { ChainAccount, Ledger, Log } from "@stakebts/core/ports";
import { checkMemoKeys, type IngestDeps, LedgerWatch, ReadAhead } from "@stakebts/core/services";
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
  return {
    chain,
    ahead: new ReadAhead(chain, custodian.id),
    ledger,
    memos,
    log: silent,
    policy,
    custodian,
    skipBlocks: new Set(settings.STAKEBTS_SKIP_BLOCKS),
    accounts: new Map<string, ChainAccount>(),
    adminReplay: settings.STAKEBTS_ADMIN_REPLAY === "on",
    watch: new LedgerWatch(),
    roles: rolesOf(settings, managers),
  };
}
