import { createSigner } from "@stakebts/core/adapters";
import { exchangeCredentials } from "@stakebts/core/config";
import { StartupError } from "@stakebts/core/domain";
import { openExchange } from "@stakebts/core/exchange";
import type { ChainReader, Log } from "@stakebts/core/ports";
import { checkActiveKey, type FundingSource } from "@stakebts/core/services";
import type { PayerConfig } from "./config.ts";

/** Where cover comes from, in the order in which it is asked for: the reserve account first, then the exchange accounts. */
export async function openFundingSources(
  config: PayerConfig,
  { chain, chainId, log }: { readonly chain: ChainReader; readonly chainId: string; readonly log: Log },
): Promise<readonly FundingSource[]> {
  const exchanges: FundingSource[] = [];
  const venue = {
    venue: config.STAKEBTS_EXCHANGE,
    url: config.STAKEBTS_EXCHANGE_URL,
    chain: config.STAKEBTS_EXCHANGE_CHAIN,
    log,
  };
  for (const { number, ...credentials } of exchangeCredentials(config))
    exchanges.push({
      type: "exchange",
      number,
      exchange: await openExchange({ ...venue, ...credentials }),
    });
  const { STAKEBTS_RESERVE_ACCOUNT: name, STAKEBTS_RESERVE_KEY: wif } = config;
  if (name === undefined || wif === undefined) return exchanges;
  if (name === config.STAKEBTS_CUSTODIAN)
    throw new StartupError("STAKEBTS_RESERVE_ACCOUNT: the custodian's own account is no reserve");
  const [account] = await chain.accounts([name]);
  if (account === undefined)
    throw new StartupError(`STAKEBTS_RESERVE_ACCOUNT: there is no account ${name} on this chain`);
  const signer = createSigner({ wif, chainId });
  checkActiveKey(account, signer.publicKey, "STAKEBTS_RESERVE_KEY");
  return [{ type: "reserve", number: 0, account, signer }, ...exchanges];
}
