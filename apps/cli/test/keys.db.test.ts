import { publicKeyFromWif } from "@stakebts/bitshares/keys";
import { wifFromSeed } from "@stakebts/devnet";
import { expect } from "vitest";
import { test } from "./cli-test.ts";

const GONE = publicKeyFromWif(wifFromSeed("a memo key of the past"));

test("a memo key is called lost by two people, with the operator's login, and never the one that the account has", async ({
  cluster,
  stakebts,
}) => {
  await cluster.digest();
  await cluster.ledger.transaction((tx) =>
    tx.memoKeys.add([
      { publicKey: GONE, sinceBlockNum: 1 },
      { publicKey: cluster.custodian.memoKey, sinceBlockNum: undefined },
    ]),
  );
  const lost = (key: string, by: string) =>
    stakebts(
      "keys",
      "lost",
      key,
      "--agreed-by",
      by,
      "--actor",
      "ann",
      "--reason",
      "the safe has burnt",
      "--yes",
    );
  expect(await lost(GONE, "ann")).toMatchObject({
    code: 1,
    out: expect.stringContaining("a second person") as string,
  });
  expect(await lost(cluster.custodian.memoKey, "bob")).toMatchObject({
    code: 1,
    out: expect.stringContaining("has this memo key now") as string,
  });
  expect(await stakebts("receipts", "--event", "memo_key.lost")).toMatchObject({ out: "" });
  expect(await lost(GONE, "bob")).toMatchObject({ code: 0 });
  expect((await lost(GONE, "bob")).out).toContain("counts as lost already");
  expect(await stakebts.json("receipts", "--event", "memo_key.lost")).toMatchObject({
    total: 1,
    receipts: [{ subject: GONE, details: { actor: "ann", agreedBy: "bob", reason: "the safe has burnt" } }],
  });
});
