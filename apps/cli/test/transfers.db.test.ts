import { incoming, operation } from "@stakebts/testkit/given";
import { expect } from "vitest";
import { test } from "./cli-test.ts";

test("a transfer is set aside and resumed by a name and with a reason, and everything shows it meanwhile", async ({
  cluster,
  stakebts,
}) => {
  await cluster.ledger.transaction((tx) =>
    tx.transfers.insert([
      incoming({ operation: operation(7), sender: "nominator-1", request: { type: "stop" } }),
    ]),
  );
  expect(await stakebts("transfers", "set-aside", "0:0:0", "--reason", "x")).toMatchObject({ code: 1 });
  expect(await stakebts("transfers", "set-aside", "7:0:0", "--reason", "its row is refused")).toMatchObject({
    code: 0,
    out: expect.stringContaining("7:0:0 is set aside") as string,
  });
  expect((await stakebts("status")).out).toMatch(
    /set aside +7:0:0 is not answered, by .*: its row is refused/u,
  );
  expect((await stakebts("status", "--json")).out).toContain('"event": "7:0:0"');
  expect((await stakebts("doctor")).out).toContain("stakebts transfers resume 7:0:0");
  expect((await stakebts("receipts", "--event", "event.set_aside")).out).toContain("7:0:0");
  expect((await stakebts("transfers", "resume", "7:0:0", "--reason", "mended")).out).toContain(
    "is answered next",
  );
  expect((await stakebts("status")).out).not.toContain("set aside");
});
