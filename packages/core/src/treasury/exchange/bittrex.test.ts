import { createHash, createHmac, randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import { clientWithdrawalId, ExchangeError } from "../exchange.ts";
import type { Log } from "@stakebts/kernel/log";
import { type BittrexOptions, createBittrexExchange } from "./bittrex.ts";
import { givenScriptedVenue, type ScriptedAnswer, type ScriptedVenue } from "./fixtures/scripted-venue.ts";

const KEY = "api-key-that-no-log-may-show";
const SECRET = "api-secret-that-no-log-may-show";

const venues: ScriptedVenue[] = [];
afterEach(async () => {
  for (const venue of venues.splice(0)) await venue.stop();
});

const clientFor = (url: string, more: Partial<BittrexOptions> = {}) =>
  createBittrexExchange({
    url,
    key: KEY,
    secret: SECRET,
    callDeadlineMs: 10_000,
    callsPerMinute: 10_000,
    ...more,
  });

/** For a venue that is silent: every other answer is waited for, also on a machine that is busy with other work. */
const IMPATIENT = { callDeadlineMs: 1_000 };
const patienceWith = (answer: unknown) => (answer === "silence" ? IMPATIENT : {});

const CURRENCY = { symbol: "BTS", status: "ONLINE", txFee: "5.00000000" };
const clientId = clientWithdrawalId("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee");
const request = { clientId, amountShares: shares(2_000_000_001n), toAccount: "custodian", memo: "loan 💸" };
const echo = (change: object = {}) => ({
  id: "11111111-2222-4333-8444-555555555555",
  currencySymbol: "BTS",
  quantity: "20005.00001000",
  cryptoAddress: "custodian",
  cryptoAddressTag: "loan 💸",
  txCost: "5.00000000",
  status: "REQUESTED",
  createdAt: "2026-11-23T00:00:00.0000000Z",
  clientWithdrawalId: clientId,
  ...change,
});

type Script = (path: string, url: string) => ScriptedAnswer | "cut" | "silence" | undefined;

/** A venue that answers as documented but for what the script says. */
async function givenVenue(script: Script): Promise<ScriptedVenue> {
  const venue = await givenScriptedVenue(({ method, url }, path) => {
    const said = script(`${method} ${path}`, url);
    if (said !== undefined) return said;
    if (path === "/ping") return { body: { serverTime: Math.floor(Date.now() / 1000) * 1000 } };
    if (path === "/currencies/BTS") return { body: CURRENCY };
    if (path === "/balances/BTS") return { body: { currencySymbol: "BTS", available: "100.00001999" } };
    if (method === "POST") return { status: 201, body: echo() };
    return { body: [] };
  });
  venues.push(venue);
  return venue;
}

const onPost =
  (answer: ScriptedAnswer | "cut" | "silence"): Script =>
  (path) =>
    path === "POST /withdrawals" ? answer : undefined;
const onAllButTime =
  (answer: ScriptedAnswer | "cut" | "silence"): Script =>
  (path) =>
    path === "GET /ping" ? undefined : answer;

describe("what is sent", () => {
  it("is signed over the very bytes that arrive, and asks for the amount and the fee in plain decimals", async () => {
    const { url, seen } = await givenVenue(() => undefined);
    expect(await clientFor(url).withdraw(request)).toMatchObject({
      type: "accepted",
      discrepancy: undefined,
    });
    const post = seen.find(({ method }) => method === "POST");
    expect(JSON.parse(post?.body ?? "")).toEqual({
      currencySymbol: "BTS",
      quantity: "20005.00001000",
      cryptoAddress: "custodian",
      cryptoAddressTag: "loan 💸",
      clientWithdrawalId: clientId,
    });
    const hash = createHash("sha512")
      .update(post?.body ?? "")
      .digest("hex");
    expect(post?.headers["api-content-hash"]).toBe(hash);
    expect(post?.headers["content-type"]).toBe("application/json");
    expect(post?.headers["api-signature"]).toBe(
      createHmac("sha512", SECRET)
        .update(`${String(post?.headers["api-timestamp"])}${url}/withdrawals` + `POST${hash}`)
        .digest("hex"),
    );
  });

  it("carries timestamps that grow from call to call, in the order of arrival", async () => {
    const { url, seen } = await givenVenue(() => undefined);
    const exchange = clientFor(url);
    await Promise.all([
      exchange.funds(),
      exchange.find(clientId),
      exchange.withdraw(request),
      exchange.funds(),
    ]);
    const times = seen.flatMap(({ headers }) =>
      headers["api-timestamp"] ? [Number(headers["api-timestamp"])] : [],
    );
    expect(times).toHaveLength(5);
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  });

  it("waits until the call before it has ended, however that ends", async () => {
    let hasEnded = false;
    let wasTooEarly = false;
    const { url } = await givenVenue((path) => {
      if (path === "GET /balances/BTS") return "silence";
      if (path === "GET /withdrawals/open") wasTooEarly = !hasEnded;
      return undefined;
    });
    const exchange = clientFor(url, IMPATIENT);
    const first = exchange.funds().catch((error: unknown) => {
      hasEnded = true;
      return error;
    });
    expect(await exchange.find(clientId)).toEqual({ type: "absent" });
    expect(await first).toMatchObject({ code: "deadline" });
    expect(wasTooEarly).toBe(false);
  });

  it("is never a second withdrawal, with any outcome of the first", async () => {
    for (const answer of ["cut", "silence", { status: 500 }, { status: 429 }, { status: 307 }] as const) {
      const { url, seen } = await givenVenue(onPost(answer));
      await clientFor(url, patienceWith(answer)).withdraw(request);
      expect(seen.filter(({ method }) => method === "POST")).toHaveLength(1);
    }
  });
});

describe("an answer to a withdrawal", () => {
  const refused = (reason: string, permanent: boolean) => ({ type: "refused", reason, permanent });
  const coded = (status: number, code: string) => ({ status, body: { code, detail: "some text" } });

  it.each<[string, ScriptedAnswer | "cut" | "silence", object]>([
    ["201 with the withdrawal is accepted", { status: 201, body: echo() }, { type: "accepted" }],
    ["201 with something else is unknown", { status: 201, body: { ok: true } }, { type: "unknown" }],
    ["201 cut short is unknown", { status: 201, body: '{"id":"1' }, { type: "unknown" }],
    ["a cut connection is unknown", "cut", { type: "unknown" }],
    ["silence is unknown", "silence", { type: "unknown" }],
    ["500 is unknown", { status: 500 }, { type: "unknown" }],
    ["502 of a gateway is unknown", { status: 502, body: "<html>" }, { type: "unknown" }],
    ["503 without a code is unknown", { status: 503, body: "" }, { type: "unknown" }],
    ["503 with a strange code is unknown", coded(503, "SERVICE_UNAVAILABLE"), { type: "unknown" }],
    ["504 with a code is unknown", coded(504, "INSUFFICIENT_FUNDS"), { type: "unknown" }],
    ["a redirection is unknown", { status: 307 }, { type: "unknown" }],
    ["403 of a proxy is unknown", { status: 403, body: "<html>denied</html>" }, { type: "unknown" }],
    ["408 of a proxy is unknown", { status: 408, body: "" }, { type: "unknown" }],
    ["503 offline is refused for now", coded(503, "CURRENCY_OFFLINE"), refused("withdrawals_closed", false)],
    [
      "409 for want of money is refused for now",
      coded(409, "INSUFFICIENT_FUNDS"),
      refused("insufficient_funds", false),
    ],
    ["409 too small", coded(409, "WITHDRAWAL_TOO_SMALL"), refused("too_small", true)],
    [
      "409 not on the list",
      coded(409, "WHITELIST_VIOLATION_WITHDRAWAL_ADDRESS"),
      refused("address_not_allowed", true),
    ],
    ["409 bad address", coded(409, "INVALID_ADDRESS"), refused("invalid_address", true)],
    ["409 account", coded(409, "ACCOUNT_DISABLED"), refused("account_restricted", true)],
    ["401 key", coded(401, "APIKEY_INVALID"), refused("credentials", true)],
    ["401 without a code", { status: 401, body: "" }, refused("credentials", false)],
    ["401 of the time, perhaps", coded(401, "TIMESTAMP_OFF"), refused("credentials", false)],
    ["403 permission", coded(403, "INVALID_PERMISSION"), refused("credentials", true)],
    ["429", coded(429, "THROTTLED"), refused("throttled", false)],
    ["429 without a code", { status: 429, body: "" }, refused("throttled", false)],
    ["400 is our bug", coded(400, "BAD_REQUEST"), refused("malformed_request", true)],
    ["an unknown code is for a person", coded(409, "SOMETHING_NEW"), refused("other", true)],
  ])("%s", async (_, answer, expected) => {
    const { url } = await givenVenue(onPost(answer));
    expect(await clientFor(url, patienceWith(answer)).withdraw(request)).toMatchObject(expected);
  });

  it.each([
    ["another memo", { cryptoAddressTag: "loan" }, 'memo "loan" in the place of "loan 💸"'],
    ["no memo", { cryptoAddressTag: undefined }, 'memo "" in the place'],
    ["another account", { cryptoAddress: "custodian1" }, "to custodian1 in the place of custodian"],
    ["another amount", { quantity: "20005.00000000" }, "2000000000 shares in the place of 2000000001"],
    ["a larger fee", { txCost: "6" }, "1999900001 shares in the place of 2000000001"],
  ])("that echoes %s is accepted with a warning", async (_, change, discrepancy) => {
    const { url } = await givenVenue(onPost({ status: 201, body: echo(change) }));
    const answer = await clientFor(url).withdraw(request);
    expect(answer).toMatchObject({ type: "accepted", discrepancy: expect.stringContaining(discrepancy) });
  });

  it("that is nested deeper than any program's stack is no answer", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const body = `{"code":"CLIENTWITHDRAWALID_ALREADY_EXISTS","data":${deep}}`;
    const { url } = await givenVenue(onPost({ status: 409, body }));
    expect(await clientFor(url).withdraw(request)).toMatchObject({ type: "unknown" });
  });

  it("that holds what no database keeps is quoted without it", async () => {
    const { url } = await givenVenue(
      onPost({ status: 201, body: echo({ status: "NEW\0", cryptoAddressTag: "a\uD800" }) }),
    );
    expect(await clientFor(url).withdraw(request)).toMatchObject({
      withdrawal: { venueStatus: "NEW\u{FFFD}" },
      discrepancy: 'memo "a\u{FFFD}" in the place of "loan 💸"',
    });
  });

  it("that says duplicate is accepted: by the id it names, by the list, or by its word alone", async () => {
    const duplicate = (data?: object) => ({
      status: 409,
      body: { code: "CLIENTWITHDRAWALID_ALREADY_EXISTS", data },
    });
    const named = await givenVenue((path) =>
      path.startsWith("GET /withdrawals/1111")
        ? { body: echo({ status: "COMPLETED" }) }
        : onPost(duplicate({ clientWithdrawalId: clientId, withdrawalId: echo().id }))(path, ""),
    );
    const answer = await clientFor(named.url).withdraw(request);
    expect(answer).toMatchObject({
      type: "accepted",
      withdrawal: { venueId: echo().id, state: "completed" },
    });
    expect(named.seen.some(({ url }) => url.includes("/open"))).toBe(false);

    const listed = await givenVenue((path) =>
      path === "GET /withdrawals/open" ? { body: [echo()] } : onPost(duplicate())(path, ""),
    );
    expect(await clientFor(listed.url).withdraw(request)).toMatchObject({
      withdrawal: { venueId: echo().id },
    });

    const lone = await givenVenue(onPost(duplicate({ id: randomUUID() })));
    expect(await clientFor(lone.url).withdraw(request)).toEqual({
      type: "accepted",
      withdrawal: undefined,
      discrepancy: undefined,
    });
  });
});

describe("before a withdrawal is asked for", () => {
  it.each<[string, ScriptedAnswer | "cut" | "silence", string, boolean]>([
    ["a cut connection", "cut", "unreachable", false],
    ["silence", "silence", "unreachable", false],
    ["a broken venue", { status: 500 }, "unreachable", false],
    ["nonsense", { body: { status: "ONLINE", txFee: "five" } }, "other", false],
    ["a fee with an exponent", { body: { status: "ONLINE", txFee: "5e0" } }, "other", false],
    ["too many calls", { status: 429, body: { code: "THROTTLED" } }, "throttled", false],
    [
      "no such currency",
      { status: 404, body: { code: "CURRENCY_DOES_NOT_EXIST" } },
      "unknown_currency",
      true,
    ],
  ])("%s is a refusal, because nothing was sent", async (_, answer, reason, permanent) => {
    const { url, seen } = await givenVenue((path) => (path.includes("/currencies") ? answer : undefined));
    expect(await clientFor(url, patienceWith(answer)).withdraw(request)).toMatchObject({
      type: "refused",
      reason,
      permanent,
    });
    expect(seen.some(({ method }) => method === "POST")).toBe(false);
  });

  it("a venue that cannot be reached is a refusal", async () => {
    const { url, stop } = await givenVenue(() => undefined);
    await stop();
    const answer = await clientFor(url).withdraw(request);
    expect(answer).toMatchObject({ type: "refused", reason: "unreachable", permanent: false });
  });
});

describe("looking for a withdrawal", () => {
  const entry = (n: number) => ({ ...echo(), id: `id-${n}`, clientWithdrawalId: undefined });

  /** Closed withdrawals in pages of 200, the one looked for at the place given. */
  const closedList =
    (total: number, place: number): Script =>
    (path, url) => {
      if (path !== "GET /withdrawals/closed") return undefined;
      const query = new URL(url, "http://venue").searchParams;
      const from = Number(query.get("nextPageToken")?.slice(3) ?? -1) + 1;
      const size = Number(query.get("pageSize"));
      const all = Array.from({ length: total }, (_, n) =>
        n === place ? { ...echo(), id: `id-${n}` } : entry(n),
      );
      return { body: all.slice(from, from + size) };
    };

  it.each([0, 199, 200, 399, 400, 449])("finds it at place %i of 450 closed ones", async (place) => {
    const { url } = await givenVenue(closedList(450, place));
    expect(await clientFor(url).find(clientId)).toMatchObject({
      type: "found",
      withdrawal: { venueId: `id-${place}`, amountShares: request.amountShares },
    });
  });

  it.each([0, 1, 199, 200, 201, 400])("reads all of %i closed ones before it says absent", async (total) => {
    const { url, seen } = await givenVenue(closedList(total, -1));
    expect(await clientFor(url).find(clientId)).toEqual({ type: "absent" });
    expect(seen.filter((each) => each.url.includes("/closed"))).toHaveLength(Math.ceil(total / 200) + 1);
  });

  it.each<[string, Script]>([
    ["the open ones cannot be read", (path) => (path.endsWith("/open") ? { status: 500 } : undefined)],
    ["the closed ones cannot be read", (path) => (path.endsWith("/closed") ? "cut" : undefined)],
    [
      "the second page cannot be read",
      (path, url) => (url.includes("nextPage") ? "silence" : closedList(450, 449)(path, url)),
    ],
    [
      "a page token is refused",
      (path, url) =>
        url.includes("nextPage")
          ? { status: 400, body: { code: "INVALID_NEXT_PAGE_TOKEN" } }
          : closedList(450, 449)(path, url),
    ],
    ["the pages have no end", (path) => (path.endsWith("/closed") ? { body: [entry(1)] } : undefined)],
    ["the list is none", (path) => (path.endsWith("/closed") ? { body: { items: [] } } : undefined)],
    [
      "an entry has no id",
      (path) => (path.endsWith("/open") ? { body: [{ status: "PENDING" }] } : undefined),
    ],
    [
      "the open list is full",
      (path) =>
        path.endsWith("/open") ? { body: Array.from({ length: 1_000 }, (_, n) => entry(n)) } : undefined,
    ],
    [
      "what was found cannot be read",
      (path) => (path.endsWith("/open") ? { body: [echo({ quantity: "a lot" })] } : undefined),
    ],
  ])("says unknown when %s", async (name, script) => {
    const { url } = await givenVenue(script);
    expect(
      await clientFor(url, name.startsWith("the second page") ? IMPATIENT : {}).find(clientId),
    ).toMatchObject({ type: "unknown" });
  });

  it("asks for the open ones first, because withdrawals move from there to the closed ones", async () => {
    const { url, seen } = await givenVenue(() => undefined);
    await clientFor(url).find(clientId);
    const lists = seen.map((each) => each.url).filter((each) => each.includes("/withdrawals/"));
    expect(lists.map((each) => each.replace(/.*withdrawals\/(\w+)\?.*/, "$1"))).toEqual(["open", "closed"]);
  });

  it.each([
    ["NEW", "pending"],
    ["REQUESTED", "pending"],
    ["AUTHORIZED", "pending"],
    ["PENDING", "pending"],
    ["A_WORD_OF_NEXT_YEAR", "pending"],
    ["constructor", "pending"],
    ["COMPLETED", "completed"],
    ["CANCELLED", "cancelled"],
    ["ERROR_INVALID_ADDRESS", "stuck"],
  ])("takes %s as %s and keeps the word", async (status, state) => {
    const { url } = await givenVenue((path) =>
      path.endsWith("/open") ? { body: [echo({ status })] } : undefined,
    );
    expect(await clientFor(url).find(clientId)).toMatchObject({ withdrawal: { state, venueStatus: status } });
  });

  it("knows our id in capitals, amounts as short numbers, and asks for a fee that is not told", async () => {
    const odd = echo({
      clientWithdrawalId: clientId.toUpperCase(),
      quantity: 20005.00001,
      txCost: null,
      txId: null,
    });
    const { url } = await givenVenue((path) => (path.endsWith("/open") ? { body: [odd] } : undefined));
    expect(await clientFor(url).find(clientId)).toMatchObject({
      withdrawal: { clientId, amountShares: request.amountShares, txid: undefined },
    });
    const { url: other } = await givenVenue((path) =>
      path.endsWith("/open")
        ? { body: "[" + JSON.stringify(echo()).replace('"20005.00001000"', "12345678.12345678") + "]" }
        : undefined,
    );
    expect(await clientFor(other).find(clientId)).toMatchObject({ type: "unknown" });
  });
});

describe("the funds", () => {
  it("are what is available less the fee, rounded down", async () => {
    const { url } = await givenVenue(() => undefined);
    expect(await clientFor(url).funds()).toEqual({
      withdrawableShares: 9_500_001n,
      feeShares: 500_000n,
      minimumShares: 1_000_001n,
      withdrawalsOpen: true,
    });
  });

  it.each<[string, ScriptedAnswer | "cut" | "silence", string]>([
    ["cut", "cut", "disconnected"],
    ["silent", "silence", "deadline"],
    ["throttled", { status: 429 }, "throttled"],
    ["not for this key", { status: 403, body: { code: "INVALID_PERMISSION" } }, "credentials"],
    ["unavailable", { status: 503 }, "venue_refused"],
    ["nonsense", { body: "nonsense" }, "malformed_answer"],
    ["negative", { body: { available: "-5" } }, "malformed_answer"],
  ])("that are %s are an error with a code", async (_, answer, code) => {
    const { url } = await givenVenue(onAllButTime(answer));
    await expect(clientFor(url, patienceWith(answer)).funds()).rejects.toMatchObject({
      name: "ExchangeError",
      code,
    });
  });
});

describe("key and secret", () => {
  it("are in no error, no answer and no line of the log", async () => {
    const said: unknown[] = [];
    const keep = (event: string, fields?: object) => void said.push([event, fields]);
    const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
    const signatures: string[] = [];
    const answers = [
      "cut",
      "silence",
      { status: 401, body: { code: KEY, detail: SECRET } },
      { body: { [KEY]: SECRET } },
      { status: 500, body: SECRET },
    ] as const;
    for (const answer of answers) {
      const { url, seen, stop } = await givenVenue(onAllButTime(answer));
      const exchange = clientFor(url, { log, ...patienceWith(answer) });
      said.push(exchange, await exchange.find(clientId), await exchange.withdraw(request));
      said.push(await exchange.funds().catch((error: unknown) => error));
      signatures.push(...seen.map(({ headers }) => String(headers["api-signature"])));
      await stop();
      said.push(await exchange.funds().catch((error: unknown) => error));
    }
    const withSigned = await givenVenue(onPost({ status: 401, body: { code: "INVALID_SIGNATURE" } }));
    said.push(await clientFor(withSigned.url, { log }).withdraw(request));
    signatures.push(...withSigned.seen.map(({ headers }) => String(headers["api-signature"])));
    const text = inspect(said, {
      depth: Infinity,
      showHidden: true,
      maxArrayLength: null,
      maxStringLength: null,
    });
    expect(said.some((each) => each instanceof ExchangeError)).toBe(true);
    expect(text).toContain("exchange.called");
    expect(signatures.filter((each) => each !== "undefined").length).toBeGreaterThan(5);
    for (const hidden of [KEY, SECRET, ...signatures.filter((each) => each !== "undefined")])
      expect(text).not.toContain(hidden);
  });
});
