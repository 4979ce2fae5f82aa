import pg from "pg";
import { describe, expect, inject } from "vitest";
import { writeProgramme } from "@stakebts/testkit/written-programme";
import { test } from "../console-environment.ts";
import { visited, WIDTHS } from "./visit.ts";

/** A payment that is in a block, and a payout that waits for an approval. */
async function examples(databaseUrl: string) {
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  const { rows } = await db.query<{ txid: string; held: string; amount: string }>(
    `SELECT (SELECT txid FROM withdrawal WHERE status = 'confirmed' LIMIT 1) AS txid, key AS held, amount::text
       FROM payout WHERE status = 'held'`,
  );
  await db.end();
  return rows[0] as (typeof rows)[number];
}

describe.skipIf(inject("chromium") === "")("the pages of the console", () => {
  test("answers what operators ask, in three clicks, from the search", async ({ console, databaseUrl }) => {
    await console.addUser("anna", "operator");
    await writeProgramme(databaseUrl, { agreements: 120, nominators: 8, nowMs: console.nowMs });
    const { txid, held, amount } = await examples(databaseUrl);
    await visited(console, async ({ page, signIn }) => {
      await signIn("anna");
      const find = async (text: string) => {
        await page.keyboard.press("/");
        await page.keyboard.type(text);
        await page.keyboard.press("Enter");
      };
      // Why was user0007 not paid?
      await find("user0007");
      await page.getByRole("heading", { name: "user0007", level: 1 }).waitFor();
      await page.getByRole("link", { name: /held or failed: look why/u }).click();
      await page.getByText("the account's memo key is not valid").first().waitFor();
      // Who was paid what?
      await page.getByRole("link", { name: "Overview" }).click();
      await page.getByText("As a table").nth(1).click();
      await page
        .getByRole("link", { name: /^\d{4}-\d{2}$/u })
        .first()
        .click();
      await page.getByRole("heading", { name: "Payouts", level: 1 }).waitFor();
      await page.getByRole("link", { name: "a sum for each payee" }).click();
      await page.getByRole("table", { name: "Sums for each payee" }).waitFor();
      expect(await page.getByRole("row").count()).toBeGreaterThan(1);
      // What leaves in three days?
      await page.getByRole("link", { name: "Falling due" }).click();
      await page.getByRole("navigation", { name: "The next days" }).getByRole("link").nth(3).click();
      await page.getByRole("heading", { name: "Falling due" }).waitFor();
      expect(new URL(page.url()).searchParams.get("from")).not.toBeNull();
      // What happened to this transaction?
      await find(txid);
      await page.getByText("It is in an irreversible block: paid.").waitFor();
      // Can everybody be paid in May?
      await page.getByRole("link", { name: "Forecast" }).click();
      await page.getByText("As a table").click();
      await page
        .getByRole("row", { name: /^\d{4}-05 / })
        .first()
        .waitFor();
      // Who approved that?
      const approval = { reason: "looked at", typed: amount };
      await console.post(`/payouts/${held}/approve`, approval, await console.visitor("approver"));
      await find(held);
      await page.getByText("approved by a-approver: looked at").waitFor();
      // Where am I, on a phone?
      await page.setViewportSize(WIDTHS.phone);
      await page.reload();
      const here = await page.locator(".side [aria-current]").boundingBox();
      expect(here?.x).toBeGreaterThanOrEqual(0);
      expect((here?.x ?? 0) + (here?.width ?? 0)).toBeLessThanOrEqual(WIDTHS.phone.width);
    });
  });

  test("shows without a script all that it shows with one, and is up to date by itself with it", async ({
    cluster,
    console,
  }) => {
    await console.addUser("anna", "operator");
    const key = await cluster.failedRefund();
    await visited(console, async ({ page, address, signIn }) => {
      await signIn("anna");
      await page.goto(`${address}/payouts/${key}`);
      await page.getByText("It waits until an operator requeues it").waitFor();
      await console.post(
        `/payouts/${key}/requeue`,
        { reason: "x", typed: "450" },
        await console.visitor("operator"),
      );
      await cluster.work();
      console.changes.note();
      await page.getByText("It is paid, and the payment is in an irreversible block").waitFor();
    });
  });
});
