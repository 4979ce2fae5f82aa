import { createSigner } from "@stakebts/bitshares/signer";
import { exchangeCredentials } from "@stakebts/core/config/exchange-settings";
import { StartupError } from "@stakebts/kernel/errors";
import { openExchange } from "@stakebts/core/treasury/exchange/open-exchange";
import type { ChainAccount, ChainReader } from "@stakebts/bitshares/chain";
import type { Log } from "@stakebts/kernel/log";
import type { Signer } from "@stakebts/bitshares/signing";
import { checkActiveKey } from "@stakebts/core/ledger/find-custodian";
import type { TopUpSource } from "@stakebts/core/treasury/treasury";
import { permissionText, readPermission } from "@stakebts/core/treasury/reserve-permission";
import type { PayerConfig } from "./config.ts";

interface TopUpDeps {
  readonly chain: ChainReader;
  readonly chainId: string;
  readonly custodian: ChainAccount;
  /** With the custodian's key. */
  readonly signer: Signer;
  readonly log: Log;
}

/** Where cover comes from, in the order in which it is asked for: the reserve account first, then the exchange accounts. */
export async function openTopUpSources(
  config: PayerConfig,
  deps: TopUpDeps,
): Promise<readonly TopUpSource[]> {
  const exchanges: TopUpSource[] = [];
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

async function openReserve(config: PayerConfig, deps: TopUpDeps): Promise<readonly TopUpSource[]> {
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
