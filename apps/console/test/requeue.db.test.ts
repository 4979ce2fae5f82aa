import { switchPayments } from "@stakebts/core/limits/switch-payments";
import { describe, expect } from "vitest";
import { test } from "./console-environment.ts";

const pathOf = (key: string): string => `/payouts/${key}/requeue`;
/** A refund of 450 BTS. */
const typed = "450";
/** As a reader sees it. */
const textOf = async (answer: Response): Promise<string> =>
  (await answer.text()).replaceAll(/<[^>]+>/gu, " ").replaceAll(/\s+/gu, " ");

describe("requeueing in the console", () => {
  test("asks first, and then gives the payout back to the payer, who pays it once", async ({
    cluster,
    console,
  }) => {
    const key = await cluster.failedRefund();
    const operator = await console.visitor("operator");
    const overview = await (await console.get("/", operator)).text();
    expect(overview).toContain(`href="${pathOf(key)}"`);
    expect(overview).toContain("no funds");

    const asked = await textOf(await console.get(pathOf(key), operator));
    expect(asked).toContain("Requeue this payout?");
    expect(asked).toContain("Requeue 450 BTS to nominator-1");
    const answer = await console.post(pathOf(key), { reason: "  funds are here ", typed: "450" }, operator);
    expect(answer.status).toBe(200);
    expect(await textOf(answer)).toContain("failed → ready");
    expect(await console.receipts("payout.requeued")).toMatchObject([
      { subject: key, details: { actor: "a-operator", reason: "funds are here", was: "failed" } },
    ]);
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);

    const again = await console.post(pathOf(key), { reason: "once more", typed }, operator);
    expect(await textOf(again)).toContain("is paid already");
    expect(await console.receipts("console.requeue_not_done")).toMatchObject([
      { subject: key, details: { result: "unchanged", actor: "a-operator", reason: "once more" } },
    ]);
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
  });

  test("refuses while the ledger may not know the newest payments, and says what to do", async ({
    cluster,
    console,
  }) => {
    const key = await cluster.failedRefund();
    await cluster.devnet.produce(40); // No ingester reads them.
    const answer = await console.post(
      pathOf(key),
      { reason: "try it", typed },
      await console.visitor("operator"),
    );
    expect(answer.status).toBe(409);
    expect(await textOf(answer)).toMatch(
      /the ledger is \d+ block\(s\) behind the chain.*let the ingester catch up/u,
    );
    expect(await console.receipts("payout.requeued")).toEqual([]);
    expect(await console.receipts("console.requeue_not_done")).toMatchObject([
      { subject: key, details: { result: "refused", actor: "a-operator" } },
    ]);
  });

  test("says that no node can be asked, and has done nothing", async ({ cluster, console }) => {
    const key = await cluster.failedRefund();
    const operator = await console.visitor("operator");
    await cluster.devnet.stop();
    const answer = await console.post(pathOf(key), { reason: "try it", typed }, operator);
    expect(answer.status).toBe(503);
    expect(await textOf(answer)).toContain("no node can be asked now");
    expect(await console.receipts("payout.requeued")).toEqual([]);
  });

  test("does nothing without a reason, or for a payout that is not there", async ({ cluster, console }) => {
    const key = await cluster.failedRefund();
    const operator = await console.visitor("operator");
    for (const reason of ["", "   ", "x".repeat(501)]) {
      const answer = await console.post(pathOf(key), { reason }, operator);
      expect(answer.status).toBe(400);
      expect(await textOf(answer)).toContain("A reason of 1 to 500 characters is needed");
    }
    for (const wrong of ["", "45", "4500", "yes"]) {
      const answer = await console.post(pathOf(key), { reason: "x", typed: wrong }, operator);
      expect(answer.status).toBe(400);
      expect(await textOf(answer)).toContain("Nothing was done. Type 450 to confirm.");
    }
    for (const id of ["00000000-0000-4000-8000-000000000000", "x", "..%2F..%2Flogin"])
      expect((await console.post(`/payouts/${id}/requeue`, { reason: "x" }, operator)).status).toBe(404);
    expect(await console.receipts("payout.requeued")).toEqual([]);
  });

  test("is for operators: a viewer sees the payout and no form", async ({ cluster, console }) => {
    const key = await cluster.failedRefund();
    const viewer = await console.visitor("viewer");
    const page = await (await console.get(pathOf(key), viewer)).text();
    expect(page).toContain("needs the role operator");
    expect(page).not.toContain("<textarea");
    expect((await console.post(pathOf(key), { reason: "x" }, viewer)).status).toBe(403);
    expect(await console.receipts("payout.requeued")).toEqual([]);
  });

  test("says so when it is refused, and when nothing is paid because payments are off", async ({
    cluster,
    console,
  }) => {
    const key = await cluster.failedRefund();
    const operator = await console.visitor("operator");
    const action = { id: "1", actor: "operator-1", reason: "strange transfer" };
    await switchPayments(cluster, { on: false, action });
    const answer = await textOf(await console.post(pathOf(key), { reason: "later", typed }, operator));
    expect(answer).toContain("Payments are off (strange transfer): nothing is paid until they are on.");
  });

  test("writes what strangers wrote as text, never as markup", async ({ cluster, console }) => {
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    const key = await cluster.fail('<script src="//elsewhere.example"></script>"\'&');
    const operator = await console.visitor("operator");
    for (const path of ["/", pathOf(key)]) {
      const page = await (await console.get(path, operator)).text();
      expect(page).toContain("&lt;script src=");
      expect(page.match(/<script/gu)).toHaveLength(1); // Our own.
      expect(page).not.toContain('<script src="//');
    }
  });
});
