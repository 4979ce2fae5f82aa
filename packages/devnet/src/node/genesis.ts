import { privateKeyFromSeed, type PublicKeyHex, publicKeyOf, publicKeyText, sha256 } from "./keys.ts";
import { wireTime } from "./wire-values.ts";

/** Everything the chain begins with. Its text is hashed into the chain id. */
export interface Genesis {
  readonly addressPrefix: string;
  /** UTC seconds, a multiple of the block interval. */
  readonly time: number;
  /** `block_interval` of 2.0.0: 1 to 30 seconds. */
  readonly blockIntervalSeconds: number;
  readonly maintenanceIntervalSeconds: number;
  readonly maximumTimeUntilExpirationSeconds: number;
  readonly maximumTransactionSize: number;
  readonly transferFee: { readonly fee: bigint; readonly pricePerKbyte: bigint };
  readonly witnesses: readonly GenesisWitness[];
  readonly accounts: readonly GenesisAccount[];
  /** Operations kept per account in the history index; a default node keeps about 1000. */
  readonly maxOpsPerAccount: number;
}

export interface GenesisWitness {
  readonly accountName: string;
  readonly signingKey: Buffer;
}

export interface GenesisAccount {
  readonly name: string;
  readonly ownerKey: PublicKeyHex;
  readonly activeKey: PublicKeyHex;
  readonly memoKey: PublicKeyHex;
  readonly balanceShares: bigint;
  readonly lifetimeMember: boolean;
  readonly testAssetUnits: bigint;
}

export function genesisWitnesses(count: number): GenesisWitness[] {
  return Array.from({ length: count }, (_, index) => ({
    accountName: `init${index}`,
    signingKey: privateKeyFromSeed(`witness-${index + 1}`),
  }));
}

/** The genesis file in the words of the chain's own format. */
export function genesisText(genesis: Genesis): string {
  const key = (hex: PublicKeyHex) => publicKeyText(hex, genesis.addressPrefix);
  const witnessKey = (witness: GenesisWitness) => key(publicKeyOf(witness.signingKey));
  return JSON.stringify({
    initial_timestamp: wireTime(genesis.time),
    max_core_supply: "1000000000000000",
    initial_parameters: {
      current_fees: {
        transfer: String(genesis.transferFee.fee),
        kbyte: String(genesis.transferFee.pricePerKbyte),
      },
      block_interval: genesis.blockIntervalSeconds,
      maintenance_interval: genesis.maintenanceIntervalSeconds,
      maximum_time_until_expiration: genesis.maximumTimeUntilExpirationSeconds,
      maximum_transaction_size: genesis.maximumTransactionSize,
    },
    initial_accounts: [
      ...genesis.witnesses.map((witness) => ({
        name: witness.accountName,
        owner_key: witnessKey(witness),
        active_key: witnessKey(witness),
        is_lifetime_member: true,
      })),
      ...genesis.accounts.map((account) => ({
        name: account.name,
        owner_key: key(account.ownerKey),
        active_key: key(account.activeKey),
        memo_key: key(account.memoKey),
        is_lifetime_member: account.lifetimeMember,
        balance: String(account.balanceShares),
        test_asset_balance: String(account.testAssetUnits),
      })),
    ],
    initial_active_witnesses: genesis.witnesses.length,
    initial_witness_candidates: genesis.witnesses.map((witness) => ({
      owner_name: witness.accountName,
      block_signing_key: witnessKey(witness),
    })),
  });
}

export const chainIdOf = (genesis: Genesis): string => sha256(genesisText(genesis)).toString("hex");
