import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import type { LocalServices } from "./local-services.ts";

const NOMINATOR = "nominator-1";
const CUSTODIAN = "bitsharesmanagement.group";
const AMOUNT_BTS = 25_000n;
const SHARES_PER_BTS = 100_000n;
const WAIT_MS_MAX = 120_000;

/**
 * One nomination through all services as they run: it is sent, the payer that leads is killed with SIGKILL, and its
 * stand-by has to pay the confirmation, which has to be seen in an irreversible block. Throws when it is not.
 */
export async function checkServices(
  services: LocalServices,
  say: (text: string) => void,
): Promise<readonly string[]> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  const database = new pg.Client({ connectionString: services.secret("database_url") });
  await database.connect();
  const wallet = new DevnetWallet({
    url: `ws://${services.address("devnet", 8090)}`,
    name: NOMINATOR,
    activeKey: wifFromSeed(`${NOMINATOR}-active`),
    memoKey: wifFromSeed(`${NOMINATOR}-memo`),
  });
  try {
    await wallet.transfer({ to: CUSTODIAN, amountShares: AMOUNT_BTS * SHARES_PER_BTS, memo: "three_months" });
    say(`${NOMINATOR} has nominated ${AMOUNT_BTS} BTS`);

    const payers = services.replicas("payer");
    const leader = payers.find(({ lines }) => lines.some((line) => line.includes('"payer.leads"')));
    const standBy = payers.find((payer) => payer !== leader);
    if (leader === undefined || standBy === undefined)
      throw new Error(`expected one payer that leads and one that stands by, of ${payers.length}`);
    leader.kill("SIGKILL");
    await standBy.waitForLine('"payer.leads"', deadlineMs);
    say(`${leader.name} was killed, ${standBy.name} leads`);

    for (;;) {
      const { rows } = await database.query<{ status: string; reason: string | null }>(
        "SELECT status, reason FROM payout WHERE key LIKE 'confirm:%' AND payee = $1",
        [NOMINATOR],
      );
      if (rows[0]?.status === "confirmed") break;
      if (Date.now() > deadlineMs)
        throw new Error(`the nomination is not confirmed: ${JSON.stringify(rows)}`);
      await delay(200);
    }
    say("the nomination is confirmed in an irreversible block");

    for (;;) {
      const problems = await services.problems();
      if (problems.length === 0) break;
      if (Date.now() > deadlineMs) throw new Error(problems.join("; "));
      await delay(500);
    }
    say("everything is healthy");
    return ["healthy", "nominated", "payer killed", "confirmed by the stand-by", "healthy"];
  } finally {
    wallet.close();
    await database.end();
  }
}
