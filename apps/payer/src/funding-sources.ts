import { createSigner } from "@stakebts/core/adapters";
import { type ExchangeCredentials, exchangeCredentials } from "@stakebts/core/config";
import { StartupError } from "@stakebts/core/domain";
import { createBittrexExchange, createCcxtExchange } from "@stakebts/core/exchange";
import type { ChainReader, Exchange, Log } from "@stakebts/core/ports";
import { checkActiveKey, type FundingSource } from "@stakebts/core/services";
import type { PayerConfig } from "./config.ts";

/** Where cover comes from, in the order in which it is asked for: the reserve account first, then the exchange accounts. */
export async function openFundingSources(
  config: PayerConfig,
  { chain, chainId, log }: { readonly chain: ChainReader; readonly chainId: string; readonly log: Log },
): Promise<readonly FundingSource[]> {
  const exchanges: FundingSource[] = [];
  for (const account of exchangeCredentials(config))
    exchanges.push({
      type: "exchange",
      number: account.number,
      exchange: await openExchange(config, account, log),
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

/** A question that takes longer has no answer: it must not outlast the time that a process has to end. */
const CALL_DEADLINE_MS = 15_000;

function openExchange(
  config: PayerConfig,
  { key, secret, password }: ExchangeCredentials,
  log: Log,
): Exchange | Promise<Exchange> {
  const { STAKEBTS_EXCHANGE: venue, STAKEBTS_EXCHANGE_URL: url, STAKEBTS_EXCHANGE_CHAIN: chain } = config;
  const common = { secret, url, log, callDeadlineMs: CALL_DEADLINE_MS };
  return venue === "bittrex"
    ? createBittrexExchange({ ...common, key })
    : createCcxtExchange({ ...common, venue, apiKey: key, password, chain });
}
