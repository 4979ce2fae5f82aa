import { createHash, createHmac, randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { accountFromSeeds } from "../default-accounts.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { DevnetWallet } from "../wallet.ts";
import { type DevnetExchange, type ExchangeOptions, startExchange } from "./exchange.ts";

const KEY = "key-1";
const SECRET = "secret-1";
const payee = accountFromSeeds("payee", { balanceBts: 1_000n });

const started: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const each of started.splice(0).toReversed()) await each.stop();
});

async function givenExchange(
  options: Partial<ExchangeOptions> = {},
): Promise<{ devnet: Devnet; exchange: DevnetExchange }> {
  const hot = accountFromSeeds("bittrex-deposit", { balanceBts: 1_000_000n });
  const devnet = await startDevnet({ accounts: [payee, hot], blockIntervalMs: "manual" });
  started.push(devnet);
  await devnet.produce(10);
  const exchange = await startExchange({
    nodeUrl: devnet.urls[0] ?? "",
    accounts: [
      { key: KEY, secret: SECRET, depositMemo: "tag-1", balanceShares: 100_000_000n },
      { key: "key-2", secret: "secret-2", depositMemo: "tag-2", balanceShares: 0n },
    ],
    stepMs: "manual",
    callsPerMinute: 10_000,
    ...options,
  });
  started.push(exchange);
  return { devnet, exchange };
}

let lastMs = 0;
const timestamp = () => (lastMs = Math.max(lastMs + 1, Date.now())).toString();
const sha512 = (text: string) => createHash("sha512").update(text).digest("hex");

interface Call {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly key?: string;
  readonly secret?: string;
  readonly time?: string;
  readonly hash?: string;
  readonly signature?: string;
}

/** A signed call, written here from the specification and not with the product's client. */
async function call({ url }: DevnetExchange, parts: Call) {
  const { method = "GET", path, key = KEY, secret = SECRET, time = timestamp() } = parts;
  const body = parts.body === undefined ? undefined : JSON.stringify(parts.body);
  const hash = parts.hash ?? sha512(body ?? "");
  const preSign = `${time}${url}${path}${method}${hash}`;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      "api-key": key,
      "api-timestamp": time,
      "api-content-hash": hash,
      "api-signature": parts.signature ?? createHmac("sha512", secret).update(preSign).digest("hex"),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text,
  };
}

const order = (change: object = {}) => ({
  currencySymbol: "BTS",
  quantity: "100",
  cryptoAddress: "payee",
  cryptoAddressTag: "a tag",
  clientWithdrawalId: randomUUID(),
  ...change,
});
const withdraw = (exchange: DevnetExchange, change: object = {}) =>
  call(exchange, { method: "POST", path: "/withdrawals", body: order(change) });

async function eventually(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 500 && !holds(); round++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
}

describe("a request is believed", () => {
  it("when it is signed, and only then", async () => {
    const { exchange } = await givenExchange();
    const path = "/balances/BTS";
    expect(await call(exchange, { path })).toMatchObject({
      status: 200,
      body: { available: "1000.00000000" },
    });
    const refused = async (parts: Partial<Call>) => {
      const { status, body } = await call(exchange, { path, ...parts });
      return [status, body.code];
    };
    expect(await refused({ key: "unknown" })).toEqual([401, "APIKEY_INVALID"]);
    expect(await refused({ secret: "wrong" })).toEqual([401, "INVALID_SIGNATURE"]);
    expect(await refused({ key: "key-2" })).toEqual([401, "INVALID_SIGNATURE"]);
    expect(await refused({ signature: "" })).toEqual([401, "INVALID_SIGNATURE"]);
    expect(await refused({ hash: sha512("something else") })).toEqual([401, "INVALID_CONTENT_HASH"]);
    expect(await refused({ time: `${Date.now() - 60_000}` })).toEqual([401, "INVALID_TIMESTAMP"]);
    expect(await refused({ time: `${Date.now() + 60_000}` })).toEqual([401, "INVALID_TIMESTAMP"]);
    expect(await refused({ time: "now" })).toEqual([401, "INVALID_TIMESTAMP"]);
  });

  it("once per timestamp of a key", async () => {
    const { exchange } = await givenExchange();
    const time = timestamp();
    const path = "/balances";
    expect((await call(exchange, { path, time })).status).toBe(200);
    expect(await call(exchange, { path, time })).toMatchObject({
      status: 401,
      body: { code: "INVALID_CONTENT_HASH" },
    });
    expect((await call(exchange, { path, time, key: "key-2", secret: "secret-2" })).status).toBe(200);
    expect((await call(exchange, { path })).status).toBe(200);
  });

  it("so often in a minute and no oftener", async () => {
    const { exchange } = await givenExchange({ callsPerMinute: 3 });
    const statuses: number[] = [];
    // More than two minutes' worth, so that a minute that turns in between does not matter.
    for (let n = 0; n < 10; n++) statuses.push((await call(exchange, { path: "/balances" })).status);
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(4);
  });
});

describe("a withdrawal", () => {
  it("goes through its statuses and becomes one transfer of the quantity less the fee, its tag as memo", async () => {
    const { devnet, exchange } = await givenExchange();
    const wallet = new DevnetWallet({ ...payee, url: devnet.urls[0] ?? "" });
    started.push({ stop: () => wallet.close() });
    const before = await wallet.balanceShares();
    const { status, body } = await withdraw(exchange, { quantity: "100.123456789" });
    expect(status).toBe(201);
    expect(body).toMatchObject({ quantity: "100.12345678", txCost: "5.00000000", status: "REQUESTED" });
    expect(exchange.balance(KEY)).toEqual({ totalShares: 100_000_000n, availableShares: 89_987_654n });
    const statuses: (string | undefined)[] = [];
    for (let n = 0; n < 40 && statuses.at(-1) !== "COMPLETED"; n++) {
      await exchange.advance();
      await devnet.produce();
      const next = exchange.withdrawals()[0]?.status;
      if (next !== statuses.at(-1)) statuses.push(next);
    }
    expect(statuses).toEqual(["AUTHORIZED", "PENDING", "COMPLETED"]);
    expect((await wallet.balanceShares()) - before).toBe(9_512_345n);
    expect(exchange.balance(KEY)).toEqual({ totalShares: 89_987_654n, availableShares: 89_987_654n });
    const path = `/withdrawals/${body.id}`;
    expect((await call(exchange, { path })).body).toMatchObject({
      status: "COMPLETED",
      txId: expect.stringMatching(/^[0-9a-f]{40}$/),
      completedAt: expect.stringMatching(/Z$/),
    });
  });

  it.each([
    ["a second time under the same id", {}, 409, "CLIENTWITHDRAWALID_ALREADY_EXISTS"],
    ["for more than there is", { quantity: "1000.00000001" }, 409, "INSUFFICIENT_FUNDS"],
    ["for three fees", { quantity: "15" }, 409, "WITHDRAWAL_TOO_SMALL"],
    ["to what is no name", { cryptoAddress: "No Such" }, 409, "INVALID_ADDRESS"],
    ["of another currency", { currencySymbol: "BTC" }, 404, "CURRENCY_DOES_NOT_EXIST"],
    ["under what is no id", { clientWithdrawalId: "1" }, 400, "UUID_INVALID"],
    ["of an exponent", { quantity: "1e2" }, 400, "BAD_REQUEST"],
    ["of less than nothing", { quantity: "-20" }, 400, "BAD_REQUEST"],
    ["without an address", { cryptoAddress: undefined }, 400, "BAD_REQUEST"],
  ])("%s is refused", async (_, change, status, code) => {
    const { exchange } = await givenExchange();
    const clientWithdrawalId = randomUUID();
    await withdraw(exchange, { clientWithdrawalId, quantity: "20" });
    const sameId = code === "CLIENTWITHDRAWALID_ALREADY_EXISTS" ? { clientWithdrawalId } : {};
    const answer = await withdraw(exchange, { ...sameId, ...change });
    expect(answer).toMatchObject({ status, body: { code } });
    if (status === 409 && sameId.clientWithdrawalId !== undefined)
      expect(answer.body.data.withdrawalId).toBe(exchange.withdrawals()[0]?.id);
    expect(exchange.balance(KEY).availableShares).toBe(98_000_000n);
    expect(exchange.withdrawals()).toHaveLength(1);
  });

  it("is a new one under an id that has been forgotten", async () => {
    const { exchange } = await givenExchange({ clientIdsRememberedMs: 0 });
    const same = { clientWithdrawalId: randomUUID() };
    expect((await withdraw(exchange, same)).status).toBe(201);
    expect((await withdraw(exchange, same)).status).toBe(201);
  });

  it("can be cancelled until it is being sent, and gives its money back", async () => {
    const { exchange } = await givenExchange();
    const cancel = (id: string) => call(exchange, { method: "DELETE", path: `/withdrawals/${id}` });
    const first = await withdraw(exchange);
    expect(await cancel(first.body.id)).toMatchObject({ status: 200, body: { status: "CANCELLED" } });
    expect(exchange.balance(KEY).availableShares).toBe(100_000_000n);
    expect((await cancel(first.body.id)).status).toBe(409);
    const misdirected = await withdraw(exchange, { cryptoAddress: "no-such-account" });
    const sent = await withdraw(exchange);
    await exchange.advance();
    await exchange.advance();
    expect(exchange.withdrawals().map(({ status }) => status)).toEqual([
      "CANCELLED",
      "ERROR_INVALID_ADDRESS",
      "PENDING",
    ]);
    expect((await cancel(sent.body.id)).status).toBe(409);
    expect((await cancel(misdirected.body.id)).status).toBe(200);
    expect(await cancel(randomUUID())).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(exchange.balance(KEY).availableShares).toBe(90_000_000n);
  });

  it("of one account is nothing to another", async () => {
    const { exchange } = await givenExchange();
    const { body } = await withdraw(exchange);
    const other = { key: "key-2", secret: "secret-2" };
    expect((await call(exchange, { path: "/withdrawals/open" })).body).toHaveLength(1);
    expect((await call(exchange, { path: "/withdrawals/open", ...other })).body).toEqual([]);
    expect((await call(exchange, { path: `/withdrawals/${body.id}`, ...other })).status).toBe(404);
  });
});

describe("lists", () => {
  it("come newest first and in pages that neither repeat nor omit", async () => {
    const { exchange } = await givenExchange();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { body } = await withdraw(exchange, { quantity: "20" });
      ids.unshift(body.id);
    }
    const idsAt = async (path: string) => {
      const { body } = await call(exchange, { path });
      return (body as { id: string }[]).map(({ id }) => id);
    };
    expect(await idsAt("/withdrawals/open?currencySymbol=BTS")).toEqual(ids);
    expect(await idsAt("/withdrawals/open?status=PENDING")).toEqual([]);
    for (const id of ids.toReversed()) await call(exchange, { method: "DELETE", path: `/withdrawals/${id}` });
    expect(await idsAt("/withdrawals/open")).toEqual([]);
    expect(await idsAt("/withdrawals/closed")).toEqual(ids);
    expect(await idsAt("/withdrawals/closed?pageSize=2")).toEqual(ids.slice(0, 2));
    expect(await idsAt(`/withdrawals/closed?pageSize=2&nextPageToken=${ids[1]}`)).toEqual(ids.slice(2, 4));
    expect(await idsAt(`/withdrawals/closed?pageSize=2&nextPageToken=${ids[4]}`)).toEqual([]);
    expect(await idsAt(`/withdrawals/closed?pageSize=2&previousPageToken=${ids[3]}`)).toEqual(
      ids.slice(1, 3),
    );
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, "");
    expect(await idsAt(`/withdrawals/closed?startDate=${tomorrow}`)).toEqual([]);
    expect(await idsAt(`/withdrawals/closed?endDate=${tomorrow}`)).toEqual(ids);
  });

  it.each([
    ["pageSize=0", "BAD_REQUEST"],
    ["pageSize=201", "BAD_REQUEST"],
    ["pageSize=x", "BAD_REQUEST"],
    ["nextPageToken=a&previousPageToken=b", "BAD_REQUEST"],
    ["nextPageToken=a", "INVALID_NEXT_PAGE_TOKEN"],
    ["previousPageToken=a", "INVALID_PREVIOUS_PAGE_TOKEN"],
    ["startDate=today", "BAD_REQUEST"],
    ["startDate=2026-01-02T00:00:00Z&endDate=2026-01-01T00:00:00Z", "BAD_REQUEST"],
  ])("refuse ?%s", async (query, code) => {
    const { exchange } = await givenExchange();
    const answer = await call(exchange, { path: `/withdrawals/closed?${query}` });
    expect(answer).toMatchObject({ status: 400, body: { code } });
  });
});

describe("a deposit", () => {
  it("is credited by its memo, encrypted or public, and unmatched payments without one", async () => {
    const { devnet, exchange } = await givenExchange();
    const wallet = new DevnetWallet({ ...payee, url: devnet.urls[0] ?? "" });
    started.push({ stop: () => wallet.close() });
    const send = (amountShares: bigint, more: object) =>
      wallet.transfer({ to: "bittrex-deposit", amountShares, ...more });
    const { txid } = await send(100n, { memo: "tag-1" });
    await send(200n, { memo: "tag-2", unencrypted: true });
    await send(300n, { memo: "tag-3" });
    await send(400n, {});
    await send(500n, { memo: "tag-1", assetId: "1.3.1" });
    await devnet.produce();
    expect(exchange.balance(KEY).totalShares).toBe(100_000_000n); // not irreversible yet
    await devnet.produce(10);
    await eventually(() => exchange.unmatchedDeposits.length === 2);
    expect(exchange.balance(KEY)).toEqual({ totalShares: 100_000_100n, availableShares: 100_000_100n });
    expect(exchange.balance("key-2").availableShares).toBe(200n);
    expect(exchange.unmatchedDeposits).toEqual([
      { memo: "tag-3", amountShares: 300n },
      { memo: "", amountShares: 400n },
    ]);
    const listed = { quantity: "0.00100000", cryptoAddressTag: "tag-1", txId: txid, status: "COMPLETED" };
    expect((await call(exchange, { path: "/deposits/closed" })).body).toMatchObject([listed]);
    expect((await call(exchange, { path: `/deposits/ByTxId/${txid}` })).body).toMatchObject([listed]);
    expect((await call(exchange, { path: "/deposits/open" })).body).toEqual([]);
  });
});

it("answers the questions around it", async () => {
  const allowed = { key: KEY, secret: SECRET, depositMemo: "tag-1", allowedAddresses: ["payee"] };
  const { exchange } = await givenExchange({ accounts: [allowed] });
  const get = async (path: string) => (await call(exchange, { path })).body;
  expect((await get("/ping")).serverTime % 1000).toBe(0);
  expect(await get("/currencies/BTS")).toMatchObject({ status: "ONLINE", txFee: "5.00000000" });
  expect(await get("/currencies")).toHaveLength(1);
  expect(await get("/account")).toMatchObject({ accountId: expect.any(String) });
  expect(await get("/account/permissions/currencies/BTS")).toMatchObject([
    { withdraw: { blockchain: true } },
  ]);
  expect(await get("/balances")).toMatchObject([{ currencySymbol: "BTS", total: "0", available: "0" }]);
  const address = { status: "PROVISIONED", cryptoAddress: "bittrex-deposit", cryptoAddressTag: "tag-1" };
  expect(await get("/addresses/BTS")).toMatchObject(address);
  expect(await get("/addresses")).toMatchObject([address]);
  const provision = { method: "POST", path: "/addresses", body: { currencySymbol: "BTS" } };
  expect(await call(exchange, provision)).toMatchObject({ status: 201, body: address });
  expect(await get("/withdrawals/allowed-addresses")).toMatchObject([
    { cryptoAddress: "payee", status: "ACTIVE" },
  ]);
  const head = await call(exchange, { method: "HEAD", path: "/balances" });
  expect(head.headers.get("sequence")).toMatch(/^\d+$/);
  for (const path of [
    "/deposits",
    "/withdrawals",
    `/withdrawals/ByClientWithdrawalId/${randomUUID()}`,
    "/balances/XYZ",
  ])
    expect((await call(exchange, { path })).status).toBe(404);
});

it("pays a withdrawal once although the node is restarted and loses what was pending", async () => {
  const { devnet, exchange } = await givenExchange();
  const wallet = () => {
    const opened = new DevnetWallet({ ...payee, url: devnet.urls[0] ?? "" });
    started.push({ stop: () => opened.close() });
    return opened;
  };
  const before = await wallet().balanceShares();
  await withdraw(exchange);
  await exchange.advance();
  devnet.nodes[0]?.faults.swallowBroadcasts(1);
  await exchange.advance();
  devnet.nodes[0]?.faults.restart();
  for (let n = 0; n < 500 && exchange.withdrawals()[0]?.status !== "COMPLETED"; n++) {
    await exchange.advance();
    await devnet.produce();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(exchange.withdrawals()[0]?.status).toBe("COMPLETED");
  expect((await wallet().balanceShares()) - before).toBe(9_500_000n);
});

it("does not start on a chain that has no account for it", async () => {
  const devnet = await startDevnet({ accounts: [payee], blockIntervalMs: "manual" });
  started.push(devnet);
  const options = { nodeUrl: devnet.urls[0] ?? "", accounts: [] };
  await expect(startExchange(options)).rejects.toThrow("no account bittrex-deposit");
});

it("moves withdrawals by itself when it is given a pace", async () => {
  const { devnet, exchange } = await givenExchange({ stepMs: 5 });
  await withdraw(exchange);
  await eventually(() => exchange.withdrawals()[0]?.txid !== undefined);
  await devnet.produce(10);
  await eventually(() => exchange.withdrawals()[0]?.status === "COMPLETED");
});
