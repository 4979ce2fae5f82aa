import {
  accountFromSeeds,
  type Devnet,
  type DevnetExchange,
  DevnetWallet,
  startExchange,
  wifFromSeed,
} from "@stakebts/devnet";
import type { ProcessName } from "./process-settings.ts";

export const EXCHANGE = "bittrex-deposit";
export const RESERVE_ACCOUNT = "custodian-reserve";
export const DEPOSIT_MEMO = "deposit-memo-1";
export const EXCHANGE_KEY = { key: "cluster-exchange-key", secret: "cluster-exchange-secret" };
const SHARES_PER_BTS = 100_000n;

/** Their accounts, {@link EXCHANGE} and {@link RESERVE_ACCOUNT}, have to be on the chain. */
export interface TreasuryOptions {
  /** A Bittrex v3 exchange with this much in its account 1, whole BTS. Default: none. */
  readonly exchangeBts?: bigint;
  /** The reserve account with the key or with a permission to draw from it. Default: no reserve account. */
  readonly reserveBy?: "key" | "permission";
}

/** Where the custodian's top-ups come from, and the settings with which scheduler and payer find it. */
export async function openTreasury(
  devnet: Devnet,
  custodian: string,
  { exchangeBts, reserveBy }: TreasuryOptions,
): Promise<{
  readonly exchange: DevnetExchange | undefined;
  readonly settings: Readonly<Partial<Record<ProcessName, Readonly<Record<string, string>>>>>;
}> {
  const reserve = reserveBy === undefined ? undefined : await openReserve(devnet, custodian, reserveBy);
  const exchange = exchangeBts === undefined ? undefined : await openExchange(devnet, exchangeBts);
  return {
    exchange,
    settings: {
      scheduler: {
        ...(exchange === undefined ? {} : { STAKEBTS_EXCHANGE_1_DEPOSIT_MEMO: DEPOSIT_MEMO }),
        ...(reserve === undefined ? {} : { STAKEBTS_RESERVE_ACCOUNT: RESERVE_ACCOUNT }),
      },
      payer: {
        STAKEBTS_TREASURY_MS: "200",
        ...(exchange === undefined
          ? {}
          : { ...exchangeSettings(exchange.url), STAKEBTS_EXCHANGE_1_DEPOSIT_MEMO: DEPOSIT_MEMO }),
        ...reserve,
      },
    },
  };
}

const openExchange = (devnet: Devnet, balanceBts: bigint): Promise<DevnetExchange> =>
  startExchange({
    nodeUrl: devnet.urls[0] as string,
    hotAccount: accountFromSeeds(EXCHANGE, { balanceBts: 0n }),
    accounts: [{ ...EXCHANGE_KEY, depositMemo: DEPOSIT_MEMO, balanceShares: balanceBts * SHARES_PER_BTS }],
    stepMs: 200,
    callsPerMinute: 100_000,
  });

const exchangeSettings = (url: string) => ({
  STAKEBTS_EXCHANGE_URL: url,
  STAKEBTS_EXCHANGE_1_KEY: EXCHANGE_KEY.key,
  STAKEBTS_EXCHANGE_1_SECRET: EXCHANGE_KEY.secret,
});

/** The payer's settings of the reserve. A permission is on the chain before the payer is told of it. */
async function openReserve(
  devnet: Devnet,
  custodian: string,
  by: "key" | "permission",
): Promise<Record<string, string>> {
  const account = { STAKEBTS_RESERVE_ACCOUNT: RESERVE_ACCOUNT };
  const activeKey = wifFromSeed(`${RESERVE_ACCOUNT}-active`);
  if (by === "key") return { ...account, STAKEBTS_RESERVE_KEY: activeKey };
  const wallet = new DevnetWallet({ url: devnet.urls[0] as string, name: RESERVE_ACCOUNT, activeKey });
  try {
    const { txid } = await wallet.createPermission({
      to: custodian,
      limitShares: 1_000_000n * SHARES_PER_BTS,
      periodSeconds: 86_400,
      periods: 365,
      startsInSeconds: 60,
    });
    await wallet.waitForIrreversible(txid);
    const [id] = await wallet.permissionsGiven();
    return { ...account, STAKEBTS_RESERVE_PERMISSION: id as string };
  } finally {
    wallet.close();
  }
}
