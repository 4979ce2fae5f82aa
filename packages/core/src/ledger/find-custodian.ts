import { StartupError } from "@stakebts/kernel/errors";
import { type ChainAccount, ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import { sameKey } from "@stakebts/bitshares/keys";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";

export interface Custodian {
  readonly account: ChainAccount;
  readonly chainId: string;
}

const RETRY_MS = 2_000;

/** The custodian's account as the chain has it. While no node can be asked, it waits; an account that is not there is final. */
export async function findCustodian(
  { chain, clock, log }: { chain: ChainReader; clock: HostClock; log: Log },
  name: string,
  signal: AbortSignal,
): Promise<Custodian | undefined> {
  while (!signal.aborted) {
    try {
      const chainId = await chain.chainId();
      const [account] = await chain.accounts([name]);
      if (account === undefined)
        throw new StartupError(`STAKEBTS_CUSTODIAN: there is no account ${name} on the chain ${chainId}`);
      return { account, chainId };
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      log.warn("chain.unavailable", { code: error.code, message: error.message, waitMs: RETRY_MS });
      await clock.sleep(RETRY_MS, signal);
    }
  }
  return undefined;
}

/** With a wrong memo key every nomination would look like nonsense and be sent back, less the fee. */
export function checkMemoKeys(custodian: ChainAccount, publicKeys: readonly string[]): void {
  if (publicKeys.some((key) => sameKey(key, custodian.memoKey))) return;
  throw new StartupError(
    `STAKEBTS_MEMO_KEY: none of the ${publicKeys.length} key(s) (${publicKeys.join(", ")}) is the memo key of ${custodian.name} on chain, ${custodian.memoKey}`,
  );
}

/**
 * The payer's key has to be able to move funds alone.
 * @param setting the one that the key came from, for the message
 */
export function checkActiveKey(
  account: ChainAccount,
  publicKey: string,
  setting = "STAKEBTS_ACTIVE_KEY",
): void {
  const problem = whyNoAuthority(account, publicKey);
  if (problem !== undefined) throw new StartupError(`${setting}: ${problem}`);
}

/** Why this key alone cannot move the account's funds; `undefined`: it can. */
export function whyNoAuthority(account: ChainAccount, publicKey: string): string | undefined {
  const index = account.activeKeys.findIndex((key) => sameKey(key, publicKey));
  if (index === -1)
    return `${publicKey} is not an active key of ${account.name}; on chain are ${account.activeKeys.join(", ")}`;
  const weight = account.activeWeights[index] ?? 0;
  return weight < account.activeThreshold
    ? `${publicKey} has weight ${weight} of the ${account.activeThreshold} that ${account.name} needs; several signatures are not supported`
    : undefined;
}
