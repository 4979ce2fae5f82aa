import type { DevnetAccount } from "./devnet.ts";
import { privateKeyFromSeed, wifFromPrivateKey } from "./node/keys.ts";

const SHARES_PER_BTS = 100_000n;

/** WIF of the key that belongs to a seed text: for development only, everybody can derive it. */
export const wifFromSeed = (seed: string): string => wifFromPrivateKey(privateKeyFromSeed(seed));

/** Keys are those of the seeds `<name>-owner`, `<name>-active` and `<name>-memo`. */
export function accountFromSeeds(
  name: string,
  options: { balanceBts: bigint; lifetimeMember?: boolean },
): DevnetAccount {
  return {
    name,
    ownerKey: wifFromSeed(`${name}-owner`),
    activeKey: wifFromSeed(`${name}-active`),
    memoKey: wifFromSeed(`${name}-memo`),
    balanceShares: options.balanceBts * SHARES_PER_BTS,
    lifetimeMember: options.lifetimeMember ?? false,
  };
}

/** The cast of a staking story: the custodian, its managers, the exchange's deposit account, and nominators. */
export function defaultAccounts(): DevnetAccount[] {
  return [
    accountFromSeeds("bitsharesmanagement.group", { balanceBts: 500_000_000n, lifetimeMember: true }),
    accountFromSeeds("dls.cipher", { balanceBts: 5_000_000n, lifetimeMember: true }),
    accountFromSeeds("escrow.zavod.premik", { balanceBts: 5_000_000n, lifetimeMember: true }),
    accountFromSeeds("bittrex-deposit", { balanceBts: 1_000_000_000n }),
    ...[1, 2, 3, 4, 5].map((n) => accountFromSeeds(`nominator-${n}`, { balanceBts: 60_000_000n })),
  ];
}
