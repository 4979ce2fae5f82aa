import { describe, expect, inject } from "vitest";
import { writeProgramme } from "@stakebts/testkit/written-programme";
import { test } from "../console-environment.ts";
import { visited } from "./visit.ts";

describe.skipIf(inject("chromium") === "")("the pages of the console", () => {
  test("answers what operators ask, in three clicks, from the search", async ({ console, databaseUrl }) => {
    await console.addUser("anna", "operator");
    await writeProgramme(databaseUrl, { agreements: 120, nominators: 8, nowMs: console.nowMs });
    await visited(console, async ({ page, signIn }) => {
      await signIn("anna");
      // Why was user0007 not paid?
      await page.keyboard.press("/");
      await page.keyboard.type("user0007");
      await page.keyboard.press("Enter");
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
      expect(await page.getByRole("row").count()).toBeGreaterThan(1);
      // What leaves in three days?
      await page.getByRole("link", { name: "Falling due" }).click();
      await page.getByRole("navigation", { name: "The next days" }).getByRole("link").nth(3).click();
      await page.getByRole("heading", { name: "Falling due" }).waitFor();
      expect(new URL(page.url()).searchParams.get("from")).not.toBeNull();
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
