import type { QueueStore } from "@stakebts/core/queue/connection";
import { startJobWorker } from "@stakebts/core/queue/bullmq-worker";
import type { Log } from "@stakebts/kernel/log";
import { describe, expect, inject } from "vitest";
import { ConsoleEnvironment, test } from "../console-environment.ts";
import { ownRedis } from "@stakebts/testkit/own-redis";
import { expectToBeReadable, expectToFit, visited, WIDTHS } from "./visit.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const PATIENCE = { timeout: 45_000, interval: 20 };

describe.skipIf(inject("chromium") === "")("the console in a browser", () => {
  test("signs in, shows the overview on a console and on a phone, and signs out", async ({
    cluster,
    console,
  }) => {
    await console.addUser("anna", "operator");
    await cluster.failedRefund();
    await cluster.send("nominator-2", 25_000n, "three_months");
    await cluster.digest();
    await visited(console, async ({ page, signIn, address }) => {
      await page.goto(`${address}/queues`);
      expect(new URL(page.url()).pathname).toBe("/login");
      for (const size of [WIDTHS.phone, WIDTHS.desktop]) {
        await page.setViewportSize(size);
        await expectToFit(page);
        await expectToBeReadable(page);
      }
      await signIn("anna");
      for (const size of [WIDTHS.phone, WIDTHS.desktop]) {
        await page.setViewportSize(size);
        await expectToFit(page);
        await expectToBeReadable(page);
        for (const name of ["Waits for a person", "Liabilities and coverage", "Past due", "Next 7 days"])
          expect(await page.getByRole("heading", { name }).isVisible()).toBe(true);
        expect(await page.getByRole("cell", { name: /no funds/u }).isVisible()).toBe(true);
        expect(await page.getByRole("link", { name: /^Requeue refund:/u }).isVisible()).toBe(true);
      }
      // With the keyboard alone: the first thing is the way past the navigation.
      await page.reload();
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to content");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("button", { name: "Sign in" }).waitFor();
      await page.goBack();
      await page.goto(address);
      expect(new URL(page.url()).pathname).toBe("/login");
    });
  });

  test("is readable in the dark", async ({ console }) => {
    await visited(console, async ({ page, address }) => {
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await page.goto(`${address}/login`);
      const light = await ground();
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await ground()).not.toBe(light);
    });
  });

  test("requeues a payout, from the list to the transfer that arrives", async ({ cluster, console }) => {
    await console.addUser("anna", "operator");
    await cluster.failedRefund();
    await visited(console, async ({ page, signIn }) => {
      await page.setViewportSize(WIDTHS.phone);
      await signIn("anna");
      await page.getByRole("link", { name: /^Requeue refund:/u }).click();
      await expectToFit(page);
      await expectToBeReadable(page);
      // The browser itself asks for the reason.
      await page.getByRole("button", { name: "Requeue 450 BTS to nominator-1" }).click();
      expect(await page.getByRole("heading", { name: "Requeue this payout?" }).isVisible()).toBe(true);
      await page.getByLabel(/Why\?/u).fill("the account exists now");
      await page.getByLabel(/to confirm/u).fill("450");
      await page.getByRole("button", { name: "Requeue 450 BTS to nominator-1" }).click();
      await page.getByRole("heading", { name: "Done" }).waitFor();
      expect(await page.getByRole("main").getByRole("status").textContent()).toContain("failed → ready");
      await cluster.work();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      await page.getByRole("main").getByRole("link", { name: "Overview" }).click();
      await page.getByText("No payout failed or is held.").waitFor();
    });
    expect(await console.receipts("payout.requeued")).toMatchObject([
      { details: { actor: "anna", reason: "the account exists now" } },
    ]);
  });

  test("with queues in PostgreSQL, shows Bull Board and retries what may be retried", async ({
    console,
    databaseUrl,
  }) => bullBoard(console, { databaseUrl }));

  test.skipIf(inject("redisUrl") === "")(
    "with queues in Redis, shows Bull Board and retries what may be retried",
    ({ cluster, databaseUrl }) =>
      ownRedis(async (redisUrl) => {
        const console = await ConsoleEnvironment.open(cluster, databaseUrl, { store: { redisUrl } });
        try {
          await bullBoard(console, { redisUrl });
        } finally {
          await console.close();
        }
      }),
  );
});

async function bullBoard(console: ConsoleEnvironment, store: QueueStore): Promise<void> {
  for (const role of ["viewer", "operator"] as const) await console.addUser(`a-${role}`, role);
  const jobs = {
    requests: ["memo.process", { transfer: "1:0:0" }],
    payouts: ["payout.pay", { payoutId: UNKNOWN_PAYOUT }],
  } as const;
  const queues = console.queues.filter(({ name }) => name in jobs);
  for (const queue of queues) {
    const [name, data] = jobs[queue.name as keyof typeof jobs];
    await queue.add(name, data, { jobId: `job-of-${queue.name}`, attempts: 1 });
  }
  const breaks = () => Promise.reject(new Error("no node could be asked"));
  const handlers = { "memo.process": breaks, "payout.pay": breaks };
  const worker = startJobWorker({ store, log: silent, handlers, onBroken: () => {} });
  for (const queue of queues) await expect.poll(() => queue.getFailedCount(), PATIENCE).toBe(1);
  await worker.close();

  for (const role of ["viewer", "operator"] as const)
    await visited(console, async ({ page, address, signIn }) => {
      await signIn(`a-${role}`);
      await page.getByRole("navigation").getByRole("link", { name: "Queues" }).click();
      for (const name of ["requests", "due-rows", "payouts"])
        await page
          .getByRole("link", { name: new RegExp(`^${name}`, "u") })
          .first()
          .waitFor();
      for (const queue of ["payouts", "requests"]) {
        await page.goto(`${address}/queues/queue/${queue}?status=failed`);
        await page.getByText("no node could be asked").first().waitFor();
        const retry = page.getByRole("button", { name: /retry/iu });
        const may = role === "operator" && queue === "requests";
        expect({ role, queue, buttons: (await retry.count()) > 0 }).toEqual({ role, queue, buttons: may });
      }
      if (role === "viewer") return;
      await page.getByRole("button", { name: "Retry all" }).click();
      await page.getByRole("button", { name: "Confirm" }).click();
      await expect
        .poll(() => console.queues.find(({ name }) => name === "requests")?.getFailedCount(), PATIENCE)
        .toBe(0);
    });
  expect(await console.receipts("console.jobs_retried")).toMatchObject([
    { details: { actor: "a-operator" } },
  ]);
  expect(await console.queues.find(({ name }) => name === "payouts")?.getFailedCount()).toBe(1);
}

const UNKNOWN_PAYOUT = "00000000-0000-4000-8000-000000000000";
