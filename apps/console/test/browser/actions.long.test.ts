import { describe, expect, inject } from "vitest";
import pg from "pg";
import { test } from "../console-environment.ts";
import { expectToFit, visited } from "./visit.ts";

// Each action from the page where it is offered to what came of it.

/** A test does not wait an hour: it puts the time of the request an hour back. */
async function anHourLater(databaseUrl: string): Promise<void> {
  const owner = new pg.Client({ connectionString: databaseUrl });
  await owner.connect();
  await owner.query("SET session_replication_role = replica");
  await owner.query("UPDATE cancel_request SET created_at = created_at - interval '1 hour 1 second'");
  await owner.end();
}

describe.skipIf(inject("chromium") === "")("an operator's actions in a browser", () => {
  test("hold a payout that waits for the payer, and release it: it is paid once", async ({
    cluster,
    console,
  }) => {
    await console.addUser("anna", "operator");
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    const { items } = await console.browse.payouts({ kinds: ["refund"] }, { limit: 1 });
    const key = items[0]?.key ?? "";
    await visited(console, async ({ page, address, signIn }) => {
      await page.setViewportSize({ width: 390, height: 844 });
      await signIn("anna");
      await page.goto(`${address}/payouts/${key}`);
      await expectToFit(page);
      expect(await page.getByText("no person has asked for it yet").isVisible()).toBe(true);
      await page.getByRole("link", { name: "Hold…" }).click();
      await page.getByLabel(/Why\?/u).fill("is this the right account?");
      await page.getByRole("button", { name: /^Hold 4\d\d BTS to nominator-1/u }).click();
      await page.getByText(/→ held/u).waitFor();
      await cluster.work();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);

      await page.getByRole("link", { name: "Back to the payout" }).click();
      await page.getByText("It waits until an operator releases it").waitFor();
      await page.getByRole("link", { name: "Release…" }).click();
      await page.getByLabel(/Why\?/u).fill("it is");
      await page.getByLabel(/to confirm/u).fill("450");
      await page.getByRole("button", { name: /^Release/u }).click();
      await page.getByText("held → ready").waitFor();
    });
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect(await console.receipts("payout.held")).toMatchObject([{ details: { actor: "anna" } }]);
    expect(await console.receipts("payout.released")).toMatchObject([{ details: { actor: "anna" } }]);
  });

  test("cancel a debt: one asks, and a second person says the same an hour later", async ({
    cluster,
    console,
    databaseUrl,
  }) => {
    await console.addUser("anna", "operator");
    await console.addUser("ben", "approver");
    const key = await cluster.failedRefund();
    await visited(console, async ({ page, address, signIn }) => {
      await signIn("anna");
      await page.goto(`${address}/payouts/${key}`);
      await page.getByRole("link", { name: "Ask to cancel…" }).click();
      await page.getByLabel(/Why\?/u).fill("paid by hand");
      await page.getByRole("button", { name: /^Ask to cancel 450 BTS/u }).click();
      await page.getByText("until a second person has said the same").waitFor();
      await page.getByRole("link", { name: "Back to the payout" }).click();
      await page.getByText("anna has asked for it, and another person has to say the same").waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();

      await signIn("ben");
      await page.goto(`${address}/payouts/${key}`);
      await page.getByText(/anna has asked for it; a second person may say the same from/u).waitFor();
      await anHourLater(databaseUrl);
      await page.reload();
      await page.getByRole("link", { name: "Cancel…", exact: true }).click();
      await page.getByLabel(/Why\?/u).fill("compared with the chain");
      await page.getByLabel(/to confirm/u).fill("450");
      await page.getByRole("button", { name: /^Cancel 450 BTS/u }).click();
      await page.getByText("cancelled for good").waitFor();
    });
    expect(await console.receipts("payout.cancel_asked")).toMatchObject([{ details: { actor: "anna" } }]);
    expect(await console.receipts("payout.cancelled")).toMatchObject([
      { subject: key, details: { actor: "ben", was: "failed", reason: "compared with the chain" } },
    ]);
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
  });

  test("set a transfer aside, which is not answered then, and have it answered again", async ({
    cluster,
    console,
  }) => {
    await console.addUser("anna", "operator");
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.devnet.produceUntilFinal(8);
    await cluster.ingest();
    const { items } = await console.browse.transfers({ direction: "in" }, { limit: 1 });
    const operation = items[0]?.operation ?? "";
    await visited(console, async ({ page, address, signIn }) => {
      await signIn("anna");
      await page.goto(`${address}/transfers/${operation}`);
      await page.getByRole("link", { name: "Set it aside…" }).click();
      await page.getByLabel(/Why\?/u).fill("the database refuses it");
      await page.getByRole("button", { name: "Set it aside" }).click();
      await page.getByText("what comes after it goes on").waitFor();
      await cluster.digest();
      expect((await console.browse.payouts({}, { limit: 1 })).items).toEqual([]);

      await page.getByRole("link", { name: "Overview" }).click();
      await page.getByText(`Set aside: ${operation} is not answered`).waitFor();
      await page.goto(`${address}/set-aside`);
      await page.getByRole("link", { name: "Answer it again…" }).click();
      await page.getByLabel(/Why\?/u).fill("its cause is gone");
      await page.getByRole("button", { name: "Answer it again" }).click();
      await page.getByText("is answered next").waitFor();
    });
    await cluster.digest();
    expect((await console.browse.payouts({}, { limit: 1 })).items).toMatchObject([
      { payee: "nominator-1", kind: "refund" },
    ]);
    expect(await console.receipts("event.resumed")).toMatchObject([{ details: { actor: "anna" } }]);
  });

  test("have blocks read again while payments are off, see how far it is, and end it", async ({
    cluster,
    console,
  }) => {
    await console.addUser("anna", "operator");
    await cluster.digest();
    const { blockNum } = (await cluster.ledger.cursor.read()) ?? { blockNum: 0 };
    await visited(console, async ({ page, address, signIn }) => {
      await signIn("anna");
      await page.goto(`${address}/replays`);
      const order = async () => {
        await page.getByLabel("First block").fill("1");
        await page.getByLabel(/^Last block/u).fill(`${blockNum}`);
        await page.getByLabel(/Why\?/u).fill("was a transfer missed?");
        await page.getByLabel(/to confirm/u).fill("replay");
        await page.getByRole("button", { name: "Read them again" }).click();
      };
      await order();
      await page.getByText("it waits until payments are off").first().waitFor();
      await cluster.replay(); // Nothing yet: payments are on.
      await page.goto(`${address}/replays`);
      await page.getByText(`0 of ${blockNum} blocks, and it waits`).waitFor();
      await page.getByText("End it", { exact: true }).click();
      await page.getByLabel(/Why\?/u).fill("first the payments");
      await page.getByRole("button", { name: "End it here" }).click();
      await page.getByText("what was read stays").waitFor();

      await page.goto(`${address}/freeze`);
      await page.getByLabel(/Why\?/u).first().fill("for a replay");
      await page.getByRole("button", { name: "Freeze" }).click();
      await page.getByText("Done: freeze all").waitFor();
      await page.goto(`${address}/replays`);
      await order();
      await page.getByText("an ingester begins in a moment").first().waitFor();
      await cluster.replay();
      // By itself, from the events: what the ingester wrote is shown.
      console.changes.note();
      await page.getByRole("cell", { name: "all was read" }).waitFor();
    });
    expect(await console.receipts("replay.finished")).toMatchObject([{ subject: `1-${blockNum}` }]);
    expect(await console.receipts("blocks.read")).toMatchObject([{ details: { actor: "anna" } }]);
  });
});
