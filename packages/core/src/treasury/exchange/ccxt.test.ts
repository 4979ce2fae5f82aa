import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import { clientWithdrawalId, type ExchangeWithdrawalRequest } from "../exchange.ts";
import type { Log, LogFields } from "@stakebts/kernel/log";
import { ccxtRefusalOf } from "./ccxt-refusals.ts";
import { BITSHARES_CHAIN } from "./ccxt-venue.ts";
import { CCXT_VENUES, type CcxtVenueName } from "./ccxt-venues.ts";
import { type CcxtVenue, type Fault, givenCcxtVenue } from "./fixtures/ccxt-bench.ts";
import { KEY, SECRET } from "./fixtures/ccxt-dialects.ts";

const VENUES = ["htx", "mexc", "gate"] as const;
const NOT_REPEATABLE = ["mexc", "gate"] as const;

const request: ExchangeWithdrawalRequest = {
  clientId: clientWithdrawalId("5b6f1d4e-89ab-4cde-8f01-23456789abcd"),
  amountShares: shares(100_012_345n),
  toAccount: "custodian",
  memo: "top-up 5b6f1d4e",
};

let setup: CcxtVenue | undefined;
afterEach(async () => {
  await setup?.stop();
  setup = undefined;
});

const given = async (...parameters: Parameters<typeof givenCcxtVenue>) =>
  (setup = await givenCcxtVenue(...parameters));

/** In the words of each venue. */
const said = (venue: CcxtVenueName, status: number, code: string): Fault => ({
  type: "say_instead",
  status,
  body: {
    htx: { status: "error", "err-code": code, "err-msg": "", data: null },
    mexc: { code: Number(code), msg: "" },
    gate: { label: code, message: "" },
  }[venue],
});

describe("a withdrawal whose outcome is not known", () => {
  it.each(NOT_REPEATABLE)("is not asked for a second time at %s while its lists lag", async (venue) => {
    const { exchange, book, faults } = await given(venue);
    expect(exchange.repeatable).toBe(false);
    book.listsLag = true;
    faults.push({ type: "lose_answer" });
    expect((await exchange.withdraw(request)).type).toBe("unknown");
    expect(await exchange.find(request.clientId)).toEqual({ type: "absent" });
    expect((await exchange.withdraw(request)).type).toBe("unknown");
    for (const entry of book.entries) entry.isListed = true;
    expect(await exchange.withdraw(request)).toMatchObject({ type: "accepted", discrepancy: undefined });
    expect(book.posts).toBe(1);
  });

  it("is asked for again at HTX, which answers with the first one", async () => {
    const { exchange, book, faults } = await given("htx");
    expect(exchange.repeatable).toBe(true);
    book.listsLag = true;
    faults.push({ type: "lose_answer" });
    expect((await exchange.withdraw(request)).type).toBe("unknown");
    expect((await exchange.withdraw(request)).type).toBe("accepted");
    expect({ posts: book.posts, entries: book.entries.length }).toEqual({ posts: 2, entries: 1 });
  });

  it.each(VENUES)("may come to %s without an answer in time", async (venue) => {
    const { exchange, book, faults } = await given(venue, { callDeadlineMs: 300 });
    faults.push({ type: "silence" });
    const answer = await exchange.withdraw(request);
    expect(answer).toEqual({ type: "unknown", message: "no complete answer within 300 ms" });
    expect(book.entries).toEqual([]);
  });

  const SAYING_NOTHING: readonly [string, number, unknown][] = [
    ["a failure of the server", 503, { code: 503, "err-code": "x", status: "error", label: "TOO_BUSY" }],
    ["a failure of a gateway", 502, "<html>Bad Gateway</html>"],
    ["a 504", 504, ""],
    ["the page of a firewall", 403, "<html>Forbidden</html>"],
    ["a redirect", 302, ""],
    ["success without a withdrawal", 200, { status: "ok", data: null }],
    ["success that is no JSON", 200, "<html>Welcome</html>"],
    ["nothing", 204, ""],
  ];
  describe.each(VENUES)("at %s", (venue) => {
    it.each(SAYING_NOTHING)("was accepted before the venue says %s", async (_name, status, body) => {
      const { exchange, book, faults } = await given(venue);
      faults.push({ type: "say_after", status, body });
      expect((await exchange.withdraw(request)).type).toBe("unknown");
      expect(await exchange.withdraw(request)).toMatchObject({ type: "accepted", discrepancy: undefined });
      expect({ posts: book.posts, entries: book.entries.length }).toEqual({ posts: 1, entries: 1 });
    });
  });

  const AMBIGUOUS: readonly [CcxtVenueName, number, string][] = [
    ["htx", 200, "gateway-internal-error"],
    ["htx", 200, "base-system-error"],
    ["mexc", 400, "500"],
    ["mexc", 200, "501"],
    ["mexc", 400, "603"],
    ["mexc", 400, "10202"],
    ["gate", 400, "SERVER_ERROR"],
    ["gate", 400, "INTERNAL"],
  ];
  it.each(AMBIGUOUS)("stays unknown after %s has answered %s, %s", async (venue, status, code) => {
    const { exchange, faults } = await given(venue);
    faults.push(said(venue, status, code));
    expect((await exchange.withdraw(request)).type).toBe("unknown");
  });

  it.each(NOT_REPEATABLE)(
    "is accepted when %s says in words we do not know that it has it",
    async (venue) => {
      const { exchange, faults } = await given(venue);
      const { body } = said(venue, 400, venue === "mexc" ? "77777" : "DUPLICATE_ID") as { body: unknown };
      faults.push({ type: "say_after", status: 400, body });
      expect(await exchange.withdraw(request)).toMatchObject({ type: "accepted", discrepancy: undefined });
    },
  );

  it.each(VENUES)("is not called refused when %s cannot even be asked afterwards", async (venue) => {
    const { exchange, faults, questionFaults, book } = await given(venue);
    book.listsLag = true;
    faults.push({ type: "lose_answer" });
    await exchange.withdraw(request);
    questionFaults.push({ type: "lose_request" });
    expect((await exchange.withdraw(request)).type).toBe("unknown");
    questionFaults.push({ type: "say_instead", status: 503, body: "" });
    expect((await exchange.find(request.clientId)).type).toBe("unknown");
  });
});

describe("a withdrawal that was refused", () => {
  const REFUSALS: readonly [CcxtVenueName, number, string, string, boolean][] = [
    ["htx", 200, "dw-insufficient-balance", "insufficient_funds", false],
    ["htx", 200, "dw-withdraw-min-limit", "too_small", true],
    ["htx", 200, "api-signature-not-valid", "credentials", true],
    ["htx", 200, "invalid-address", "invalid_address", true],
    ["htx", 200, "a-word-of-tomorrow", "other", true],
    ["mexc", 400, "10101", "insufficient_funds", false],
    ["mexc", 400, "10212", "address_not_allowed", true],
    ["mexc", 400, "10007", "unknown_currency", true],
    ["mexc", 400, "406", "credentials", true],
    ["mexc", 400, "700003", "credentials", false],
    ["mexc", 400, "510", "throttled", false],
    ["gate", 400, "BALANCE_NOT_ENOUGH", "insufficient_funds", false],
    ["gate", 400, "INVALID_CURRENCY", "unknown_currency", true],
    ["gate", 403, "API_WITHDRAW_DISABLED", "credentials", true],
    ["gate", 400, "INVALID_PARAM_VALUE", "malformed_request", true],
    ["gate", 401, "INVALID_KEY", "credentials", true],
  ];
  it.each(REFUSALS)("by %s with %s, %s is called %s", async (venue, status, code, reason, permanent) => {
    const { exchange, book, faults } = await given(venue);
    faults.push(said(venue, status, code));
    expect(await exchange.withdraw(request)).toMatchObject({ type: "refused", reason, permanent });
    // Nothing has moved, so it may be made again.
    expect((await exchange.withdraw(request)).type).toBe("accepted");
    expect(book.entries.length).toBe(1);
  });

  it.each(VENUES)("because %s was asked too often moves nothing", async (venue) => {
    const { exchange, faults } = await given(venue);
    faults.push({ type: "say_instead", status: 429, body: "" });
    const answer = await exchange.withdraw(request);
    expect(answer).toMatchObject({ type: "refused", reason: "throttled", permanent: false });
  });

  it.each(VENUES)("because %s has closed its wallet is not sent at all", async (venue) => {
    const { exchange, book } = await given(venue);
    book.isOpen = false;
    expect((await exchange.funds()).withdrawalsOpen).toBe(false);
    const answer = await exchange.withdraw(request);
    expect(answer).toMatchObject({ type: "refused", reason: "withdrawals_closed", permanent: false });
    expect(book.posts).toBe(0);
  });

  it.each(VENUES)("because %s cannot be reached has left this process never", async (venue) => {
    const { exchange, stop } = await given(venue);
    await stop();
    const answer = await exchange.withdraw(request);
    expect(answer).toMatchObject({ type: "refused", reason: "unreachable", permanent: false });
    await expect(exchange.funds()).rejects.toMatchObject({ code: "unreachable" });
  });

  it("because the venue does not know the chain is refused for good", async () => {
    const { client, book } = await given("mexc");
    const exchange = await client({ chain: "BITSHARES-CLASSIC" });
    const answer = await exchange.withdraw(request);
    expect(answer).toMatchObject({ type: "refused", reason: "unknown_currency", permanent: true });
    expect(book.posts).toBe(0);
  });

  it.each(VENUES)("by %s for its key is told from one for its terms", async (venue) => {
    const { client } = await given(venue);
    const exchange = await client({ secret: "another" });
    const answer = await exchange.withdraw(request);
    expect(answer).toMatchObject({ type: "refused", reason: "credentials", permanent: true });
    await expect(exchange.funds()).rejects.toMatchObject({ code: "credentials" });
  });
});

describe("money", () => {
  it.each(VENUES)("at %s counts as what is available less a fee in whole shares", async (venue) => {
    const { exchange, book } = await given(venue);
    book.availableShares = 12_345_678n;
    expect(await exchange.funds()).toEqual({
      withdrawableShares: 12_195_678n,
      feeShares: 150_000n,
      minimumShares: CCXT_VENUES[venue].fee === "on_top" ? 1_000_000n : 850_000n,
      withdrawalsOpen: true,
    });
    book.availableShares = 100_000n;
    expect((await exchange.funds()).withdrawableShares).toBe(0n);
  });

  it("is rounded down where it is ours and up where it is the venue's", async () => {
    const { exchange, questionFaults } = await given("mexc");
    const bts = { netWork: "BTS", withdrawEnable: true, withdrawFee: "1.499990001", withdrawMin: "0.00001" };
    questionFaults.push(
      { type: "say_instead", status: 200, body: { balances: [{ asset: "BTS", free: "5.123459" }] } },
      { type: "say_instead", status: 200, body: [{ coin: "BTS", networkList: [bts] }] },
    );
    expect(await exchange.funds()).toMatchObject({ withdrawableShares: 362_345n, feeShares: 150_000n });
  });

  it.each(VENUES)("that %s holds under another memo is told as a discrepancy", async (venue) => {
    const { exchange, book } = await given(venue);
    const take = book.take.bind(book);
    book.take = (order) => take({ ...order, memo: "" });
    const answer = await exchange.withdraw(request);
    expect(answer).toMatchObject({ type: "accepted", discrepancy: expect.stringContaining("memo") });
  });

  it.each(VENUES)("that %s sends in another amount is told as a discrepancy", async (venue) => {
    const { exchange, book } = await given(venue);
    const take = book.take.bind(book);
    book.take = (order) => take({ ...order, arrivingShares: order.arrivingShares - 1n });
    const answer = await exchange.withdraw(request);
    expect(answer).toMatchObject({ type: "accepted", discrepancy: expect.stringContaining("shares") });
  });

  it.each(VENUES)("that %s could not send is for a person to look after", async (venue) => {
    const { exchange, book } = await given(venue);
    await exchange.withdraw(request);
    for (const entry of book.entries) entry.status = "failed";
    expect(await exchange.find(request.clientId)).toMatchObject({ withdrawal: { state: "stuck" } });
  });

  it("is on its way for as long as the venue says a word that we do not know", async () => {
    const { exchange, questionFaults } = await given("gate");
    const record = { id: "w1", withdraw_order_id: "5b6f1d4e89ab4cde8f0123456789abcd", amount: "3.5" };
    const body = [{ ...record, fee: "1.5", address: "custodian", memo: "m", status: "constructor" }];
    questionFaults.push({ type: "say_instead", status: 200, body });
    const found = await exchange.find(request.clientId);
    expect(found).toMatchObject({ withdrawal: { state: "pending", venueStatus: "constructor" } });
  });
});

describe("a search", () => {
  it.each([
    ["mexc", 1_000, { id: "1", remark: "by hand" }],
    ["gate", 100, { id: "w1", amount: "1", address: "a", status: "DONE" }],
  ] as const)("at %s that ends with a full page of %s proves nothing", async (venue, count, entry) => {
    const { exchange, questionFaults } = await given(venue);
    const body = Array.from({ length: count }, () => entry);
    questionFaults.push({ type: "say_instead", status: 200, body });
    expect(await exchange.find(request.clientId)).toMatchObject({ type: "unknown" });
  });

  it("does not take another withdrawal of HTX for ours", async () => {
    const { exchange, questionFaults } = await given("htx");
    const data = { id: 1, "client-order-id": "another", amount: 1, address: "a", state: "confirmed" };
    questionFaults.push({ type: "say_instead", status: 200, body: { status: "ok", data } });
    expect(await exchange.find(request.clientId)).toMatchObject({ type: "unknown" });
  });
});

describe("what is told to others", () => {
  it.each(VENUES)("never holds a key, a secret or a signature of %s", async (venue) => {
    const told: string[] = [];
    const tell = (event: string, fields?: LogFields) => told.push(JSON.stringify([event, fields]));
    const log: Log = { debug: tell, info: tell, warn: tell, error: tell };
    const { exchange, faults, questionFaults, stop } = await given(venue, { log, callDeadlineMs: 300 });
    const everyFault: readonly Fault[] = [
      { type: "lose_request" },
      { type: "silence" },
      { type: "say_instead", status: 503, body: `${KEY} ${SECRET}` },
      { type: "say_instead", status: 400, body: { code: `${KEY}!`, label: `${SECRET}!`, status: "error" } },
    ];
    const clientIds = Array.from({ length: 8 }, (_, index) =>
      clientWithdrawalId(`5b6f1d4e-89ab-4cde-8f01-00000000000${index}`),
    );
    for (const [index, fault] of everyFault.entries()) {
      faults.push(fault);
      told.push(JSON.stringify(await exchange.withdraw({ ...request, clientId: clientIds[index]! })));
      questionFaults.push(fault);
      told.push(JSON.stringify(await exchange.find(request.clientId)));
      questionFaults.push(fault);
      told.push(String(await exchange.funds().catch((error: unknown) => error)));
    }
    await stop();
    told.push(JSON.stringify(await exchange.withdraw(request)));
    expect(told.length).toBeGreaterThan(12);
    expect(told.join("\n")).not.toMatch(
      new RegExp(`${KEY}|${SECRET}|signature=|AccessKeyId|127\\.0\\.0\\.1`, "iu"),
    );
  });
});

describe("the catalogue", () => {
  it.each(VENUES)("has for %s an id of ours that fits, and the same one each time", (venue) => {
    const text = CCXT_VENUES[venue].clientIdText(request.clientId);
    expect(text).toMatch(/^[0-9a-f]{32}$/u);
    expect(CCXT_VENUES[venue].clientIdText(request.clientId)).toBe(text);
  });

  it("knows the chain by its usual names and by no other", () => {
    for (const name of ["BTS", "bts", "BitShares", "BITSHARES"]) expect(name).toMatch(BITSHARES_CHAIN);
    for (const name of ["ETH", "BTSX20", "BTS(BEP20)", ""]) expect(name).not.toMatch(BITSHARES_CHAIN);
  });

  it("takes no answer of the 5xx kind for a refusal, with any text", () => {
    const errors = ["InsufficientFunds", "ExchangeError"];
    expect(ccxtRefusalOf({ status: 500, errors, venueCode: "1", codes: {} })).toBeUndefined();
    expect(ccxtRefusalOf({ status: 400, errors, venueCode: "1", codes: {} })?.reason).toBe(
      "insufficient_funds",
    );
    const duplicate = ["DuplicateOrderId", "InvalidOrder", "ExchangeError"];
    expect(ccxtRefusalOf({ status: 400, errors: duplicate, venueCode: "1", codes: {} })).toBeUndefined();
  });
});

describe("ccxt", () => {
  /** In a process of its own, with a hook that sees every import. */
  async function importsOf(program: string): Promise<string> {
    const hook = `
      import { writeSync } from "node:fs";
      export async function resolve(name, context, next) {
        if (name === "ccxt") writeSync(1, "ccxt is loaded\\n");
        return next(name, context);
      }`;
    const register = `
      import { register } from "node:module";
      register("data:text/javascript,${encodeURIComponent(hook)}");`;
    const asUrl = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;
    const index = new URL("open-exchange.ts", import.meta.url).href;
    const imports = ["--import", "tsx", "--import", asUrl(register), "--input-type=module"];
    const source = `import * as exchange from ${JSON.stringify(index)}; ${program}`;
    const { stdout } = await promisify(execFile)(process.execPath, [...imports, "--eval", source]);
    return stdout;
  }
  const account = `key: "k", secret: "s", url: "http://127.0.0.1:9"`;

  it("is not loaded for an account at Bittrex", async () => {
    const program = `
      const bittrex = await exchange.openExchange({ venue: "bittrex", ${account} });
      await bittrex.funds().catch((error) => console.log(error.code));`;
    expect(await importsOf(program)).toBe("unreachable\n");
  });

  it("is loaded for an account at a venue that needs it", async () => {
    const program = `
      console.log("before");
      await exchange.openExchange({ venue: "mexc", ${account} });`;
    expect(await importsOf(program)).toBe("before\nccxt is loaded\n");
  });
});
