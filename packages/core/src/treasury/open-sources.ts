import { createSigner } from "@stakebts/bitshares/signer";
import type { ChainAccount, ChainReader, PermissionId } from "@stakebts/bitshares/chain";
import type { Signer } from "@stakebts/bitshares/signing";
import { StartupError } from "@stakebts/kernel/errors";
import type { Log } from "@stakebts/kernel/log";
import { checkActiveKey } from "../ledger/find-custodian.ts";
import type { ExchangeAccountNumber } from "../rules/request.ts";
import { openExchange, type OpenExchangeOptions } from "./exchange/open-exchange.ts";
import { permissionText, readPermission } from "./reserve-permission.ts";
import type { TopUpSource } from "./treasury.ts";

/** Which exchange it is. */
export interface VenueSettings {
  readonly STAKEBTS_EXCHANGE: OpenExchangeOptions["venue"];
  readonly STAKEBTS_EXCHANGE_URL?: string | undefined;
  readonly STAKEBTS_EXCHANGE_CHAIN?: string | undefined;
}

/** How the reserve is got at: by its key, or by its permission to draw. Without an account there is none. */
export interface ReserveSettings {
  readonly STAKEBTS_RESERVE_ACCOUNT?: string | undefined;
  readonly STAKEBTS_RESERVE_KEY?: string | undefined;
  readonly STAKEBTS_RESERVE_PERMISSION?: PermissionId | undefined;
}

export interface AccountCredentials extends Pick<OpenExchangeOptions, "key" | "secret" | "password"> {
  readonly number: ExchangeAccountNumber;
}

type ExchangeSource = Extract<TopUpSource, { type: "exchange" }>;

interface SourceDeps {
  readonly chain: ChainReader;
  readonly chainId: string;
  readonly custodian: ChainAccount;
  /** With the custodian's key. */
  readonly signer: Signer;
  readonly log: Log;
}

/** Where top-ups come from, in the order in which they are asked for: the reserve account first, then the exchange accounts. */
export async function openTopUpSources(
  settings: VenueSettings & ReserveSettings,
  credentials: readonly AccountCredentials[],
  deps: SourceDeps,
): Promise<readonly TopUpSource[]> {
  const exchanges = await openExchangeAccounts(settings, credentials, deps.log);
  return [...(await openReserve(settings, deps)), ...exchanges];
}

/** The accounts at the exchange whose keys are known. Nothing is asked of the exchange yet. */
export async function openExchangeAccounts(
  settings: VenueSettings,
  credentials: readonly AccountCredentials[],
  log?: Log,
): Promise<readonly ExchangeSource[]> {
  const venue = {
    venue: settings.STAKEBTS_EXCHANGE,
    url: settings.STAKEBTS_EXCHANGE_URL,
    chain: settings.STAKEBTS_EXCHANGE_CHAIN,
    log,
  };
  const sources: ExchangeSource[] = [];
  for (const { number, ...keys } of credentials)
    sources.push({ type: "exchange", number, exchange: await openExchange({ ...venue, ...keys }) });
  return sources;
}

async function openReserve(
  {
    STAKEBTS_RESERVE_ACCOUNT: name,
    STAKEBTS_RESERVE_KEY: wif,
    STAKEBTS_RESERVE_PERMISSION: permissionId,
  }: ReserveSettings,
  deps: SourceDeps,
): Promise<readonly TopUpSource[]> {
  const { chain, chainId, custodian, log } = deps;
  if (name === undefined) return [];
  if (name === custodian.name)
    throw new StartupError("STAKEBTS_RESERVE_ACCOUNT: the custodian's own account is no reserve");
  const [account] = await chain.accounts([name]);
  if (account === undefined)
    throw new StartupError(`STAKEBTS_RESERVE_ACCOUNT: there is no account ${name} on this chain`);
  if (permissionId !== undefined) {
    const permission = await readPermission(chain, permissionId, { reserve: account, custodian });
    // It may have expired since the settings were written. That is no reason to pay nothing: it gives nothing, and is told of.
    if ("problem" in permission)
      log.error("reserve.unusable", {
        account: name,
        message: permission.problem,
        todo: "let the reserve account create a permission, and put its id into STAKEBTS_RESERVE_PERMISSION",
      });
    else log.info("reserve.permission", { account: name, permission: permissionText(permission) });
    return [{ type: "permission", number: 0, account, permissionId, signer: deps.signer }];
  }
  if (wif === undefined) return [];
  const signer = createSigner({ wif, chainId });
  checkActiveKey(account, signer.publicKey, "STAKEBTS_RESERVE_KEY");
  return [{ type: "reserve", number: 0, account, signer }];
}
