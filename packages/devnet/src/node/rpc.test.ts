import { fc, test } from "@stakebts/testkit/property";
import { afterAll, beforeAll, expect, it } from "vitest";
import { accountFromSeeds } from "../default-accounts.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { DATABASE_METHODS } from "./method-tables.ts";

let devnet: Devnet;
beforeAll(async () => {
  devnet = await startDevnet({
    accounts: [accountFromSeeds("alice", { balanceBts: 1n })],
    blockIntervalMs: "manual",
  });
});
afterAll(() => devnet.stop());

async function post(body: string): Promise<{ status: number; text: string }> {
  const response = await fetch((devnet.urls[0] ?? "").replace("ws:", "http:"), { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

it("answers over HTTP with the node's status for each kind of reply", async () => {
  const call = (api: unknown, method: string, id: unknown = 1) =>
    JSON.stringify({ ...(id === undefined ? {} : { id }), method: "call", params: [api, method, []] });
  expect(await post(call(0, "get_chain_id"))).toEqual({
    status: 200,
    text: `{"id":1,"result":"${devnet.chainId}"}`,
  });
  expect((await post(call(0, "get_block"))).status).toBe(200);
  expect((await post(call(0, "no_such_method"))).status).toBe(400);
  expect((await post("nonsense")).status).toBe(400);
  expect(await post('{"method":"call","params":[0,"get_chain_id",[]]}')).toEqual({ status: 204, text: "" });
});

test.prop([fc.string({ unit: "binary" })], { numRuns: 200 })("survives any text", async (text) => {
  expect([200, 204, 400]).toContain((await post(text)).status);
});

test.prop(
  [
    fc.constantFrom<unknown>(0, 1, "network_broadcast", "history"),
    fc.constantFrom<string>(
      ...DATABASE_METHODS,
      "broadcast_transaction",
      "get_account_history",
      "get_account_history_by_operations",
      "get_relative_account_history",
    ),
    fc.array(fc.oneof(fc.jsonValue(), fc.constantFrom("1.2.6", "alice", "2.1.0", ["1.2.6"], [[0, {}]])), {
      maxLength: 5,
    }),
  ],
  { numRuns: 600 },
)(
  "answers any arguments with a result or one of the node's own errors, never an internal one",
  async (api, method, args) => {
    const { status, text } = await post(
      JSON.stringify({ id: 1, method: "call", params: [api, method, args] }),
    );
    expect(status, text).not.toBe(500);
    expect(JSON.parse(text)).toMatchObject({ id: 1 });
  },
);
