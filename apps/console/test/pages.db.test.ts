import { describe, expect } from "vitest";
import { test } from "./console-environment.ts";

const textOf = async (answer: Response): Promise<string> =>
  (await answer.text()).replaceAll(/<[^>]+>/gu, " ").replaceAll(/\s+/gu, " ");

/** Every list and form that needs no name. */
const LISTS = [
  "/",
  "/due",
  "/forecast",
  "/agreements",
  "/nominators",
  "/payouts",
  "/payouts/requeue",
  "/transfers",
  "/top-ups",
  "/limits",
  "/freeze",
  "/set-aside",
  "/replays",
  "/receipts",
  "/receipts/verify?last=all",
  "/users",
  "/settings",
  "/search",
];

describe("the pages", () => {
  test("are there for an empty ledger", async ({ console }) => {
    const operator = await console.visitor("operator");
    for (const path of LISTS) {
      const answer = await console.get(path, operator);
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      expect(await textOf(answer)).not.toContain("undefined");
    }
  });

  test("lead from an account to its agreements, payouts, transfers and receipts", async ({
    cluster,
    console,
  }) => {
    await cluster.send("nominator-2", 25_000n, "three_months");
    await cluster.digest();
    await cluster.work();
    const key = await cluster.failedRefund();
    const operator = await console.visitor("operator");
    const seen = new Set<string>();
    const queue = ["/search?q=nominator-2", "/search?q=nominator-1", ...LISTS, `/payouts/${key}`];
    while (queue.length > 0) {
      const path = queue.shift() as string;
      if (seen.has(path) || seen.size > 150) continue;
      seen.add(path);
      const answer = await console.get(path, operator, { accept: "text/html" });
      if (answer.status === 303) {
        queue.unshift(answer.headers.get("location") ?? "");
        continue;
      }
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      const page = await answer.text();
      if (!(answer.headers.get("content-type") ?? "").includes("html")) continue;
      expect(page).not.toContain("undefined");
      for (const [, href] of page.matchAll(/<a [^>]*href="(\/[^"#]*)"/gu))
        if (href !== undefined && !href.startsWith("/queues")) queue.push(href.replaceAll("&amp;", "&"));
    }
    const visited = [...seen].join("\n");
    for (const kind of [
      /^\/nominators\/nominator-2$/mu,
      /^\/agreements\/\d+:\d+:\d+$/mu,
      /^\/payouts\/confirm:/mu,
      /^\/payouts\/refund:/mu,
      /^\/transfers\/\d+:\d+:\d+$/mu,
      /^\/transactions\/[0-9a-f]{40}$/mu,
      /^\/blocks\/\d+$/mu,
      /^\/receipts\?subject=/mu,
      /^\/nominators\/nominator-2\/statement$/mu,
    ])
      expect(visited).toMatch(kind);
  });
});
