import { describe, expect, it } from "vitest";
import { readEnvironment } from "./environment.ts";
import { exchangeCredentials, rolesOf } from "./exchange-settings.ts";
import { PROCESS_SETTINGS } from "./process-settings.ts";

const WIF = "5KGDzq6ujEJqkQUsp5YFpw21KndFQywaEyzrLPXq5qbz49mB79Q";
const PAYER = {
  DATABASE_URL: "postgresql://u:p@localhost/x",
  STAKEBTS_NODES: "wss://node-one.example.org/ws,wss://node-two.example.org/ws",
  STAKEBTS_ACTIVE_KEY: WIF,
  STAKEBTS_PAYMENTS: "on",
};
const payer = (more: Record<string, string>) =>
  readEnvironment(PROCESS_SETTINGS.payer, { ...PAYER, ...more });
const complaint = (more: Record<string, string>): string => {
  try {
    payer(more);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("the settings of exchange accounts", () => {
  it("are read in their order, those that are not set up left out", () => {
    const config = payer({
      STAKEBTS_EXCHANGE_3_KEY: "k3",
      STAKEBTS_EXCHANGE_3_SECRET: "s3",
      STAKEBTS_EXCHANGE_1_KEY: "k1",
      STAKEBTS_EXCHANGE_1_SECRET: "s1",
      STAKEBTS_EXCHANGE_1_PASSWORD: "p1",
    });
    expect(exchangeCredentials(config)).toEqual([
      { number: 1, key: "k1", secret: "s1", password: "p1" },
      { number: 3, key: "k3", secret: "s3", password: undefined },
    ]);
  });

  it("are refused by halves, together with all other mistakes, and no secret is shown", () => {
    const message = complaint({
      STAKEBTS_EXCHANGE_2_SECRET: "hush",
      STAKEBTS_RESERVE_ACCOUNT: "my-reserve",
      STAKEBTS_EXCHANGE: "mtgox",
      STAKEBTS_PAYMENTS: "maybe",
    });
    expect(message).toContain("wrong in 4 place(s)");
    expect(message).toContain(
      "STAKEBTS_EXCHANGE_2_KEY is not set: expected together with STAKEBTS_EXCHANGE_2_SECRET",
    );
    expect(message).toContain(
      "STAKEBTS_RESERVE_KEY is not set: expected together with STAKEBTS_RESERVE_ACCOUNT",
    );
    expect(message).toContain('STAKEBTS_EXCHANGE is "mtgox": expected one of bittrex, ');
    expect(message).not.toContain("hush");
  });

  it("take the reserve by its key or by its permission, and not by both", () => {
    const account = { STAKEBTS_RESERVE_ACCOUNT: "my-reserve" };
    const permission = { STAKEBTS_RESERVE_PERMISSION: "1.12.7" };
    expect(complaint({ ...account, ...permission, STAKEBTS_PAYMENTS: "maybe" })).toContain("in 1 place(s)");
    expect(complaint({ ...account, ...permission, STAKEBTS_RESERVE_KEY: WIF })).toContain(
      'STAKEBTS_RESERVE_PERMISSION is "1.12.7": expected this or STAKEBTS_RESERVE_KEY',
    );
    expect(complaint(permission)).toContain(
      "STAKEBTS_RESERVE_ACCOUNT is not set: expected together with STAKEBTS_RESERVE_PERMISSION",
    );
    for (const id of ["7", "1.12.07", "1.2.7", "1.12."])
      expect(complaint({ ...account, STAKEBTS_RESERVE_PERMISSION: id }), id).toContain(
        "expected the id of a withdraw permission, for example 1.12.7",
      );
  });

  it("give the scheduler the deposit memos and nothing that can withdraw", () => {
    const config = readEnvironment(PROCESS_SETTINGS.scheduler, {
      DATABASE_URL: "postgresql://u:p@localhost/x",
      STAKEBTS_EXCHANGE_2_DEPOSIT_MEMO: "two",
      STAKEBTS_EXCHANGE_1_KEY: "k1",
    });
    expect(rolesOf(config, ["manager-a"])).toEqual({
      managers: ["manager-a"],
      treasuryAccounts: ["bittrex-deposit", "bittrex-deposit"],
      exchangeDeposit: { account: "bittrex-deposit", memos: { 2: "two" } },
    });
    expect(config).not.toHaveProperty("STAKEBTS_EXCHANGE_1_KEY");
  });
});
