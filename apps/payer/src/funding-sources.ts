import { createSigner } from "@stakebts/core/adapters";
import { exchangeCredentials } from "@stakebts/core/config";
import { StartupError } from "@stakebts/core/domain";
import { openExchange } from "@stakebts/core/exchange";
import type { ChainAccount, ChainReader, Log, Signer } from "@stakebts/core/ports";
import { checkActiveKey, type FundingSource, permissionText, readPermission } from "@stakebts/core/services";
import type { PayerConfig } from "./config.ts";

interface FundingDeps {
  readonly chain: ChainReader;
  readonly chainId: string;
  readonly custodian: ChainAccount;
  /** With the custodian's key. */
  readonly signer: Signer;
  readonly log: Log;
}

/** Where cover comes from, in the order in which it is asked for: the reserve account first, then the exchange accounts. */
export async function openFundingSources(
  config: PayerConfig,
  deps: FundingDeps,
): Promise<readonly FundingSource[]> {
  const exchanges: FundingSource[] = [];
  const venue = {
    venue: config.STAKEBTS_EXCHANGE,
    url: config.STAKEBTS_EXCHANGE_URL,
    chain: config.STAKEBTS_EXCHANGE_CHAIN,
    log: deps.log,
  };
  for (const { number, ...credentials } of exchangeCredentials(config))
    exchanges.push({
      type: "exchange",
      number,
      exchange: await openExchange({ ...venue, ...credentials }),
    });
  return [...(await openReserve(config, deps)), ...exchanges];
}

async function openReserve(config: PayerConfig, deps: FundingDeps): Promise<readonly FundingSource[]> {
  const { chain, chainId, custodian, log } = deps;
  const {
    STAKEBTS_RESERVE_ACCOUNT: name,
    STAKEBTS_RESERVE_KEY: wif,
    STAKEBTS_RESERVE_PERMISSION: permissionId,
  } = config;
  if (name === undefined) return [];
  if (name === custodian.name)
    throw new StartupError("STAKEBTS_RESERVE_ACCOUNT: the custodian's own account is no reserve");
  const [account] = await chain.accounts([name]);
  if (account === undefined)
    throw new StartupError(`STAKEBTS_RESERVE_ACCOUNT: there is no account ${name} on this chain`);
  if (permissionId !== undefined) {
    const permission = await readPermission(chain, permissionId, { reserve: account, custodian });
    // It may have expired since the settings were written. That is no reason to pay nobody: it gives nothing, and is told of.
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
