import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, inject } from "vitest";
import { writeProgramme } from "@stakebts/testkit/written-programme";
import { test } from "../console-environment.ts";
import { expectToBeReadable, expectToFit, visited } from "./visit.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [390, 1280];
const SCHEMES = ["light", "dark"] as const;

const LISTS = [
  "/",
  "/due",
  "/forecast?arrivals=3&funds=all&closed=14",
  "/agreements",
  "/nominators",
  "/payouts",
  "/payouts/requeue",
  "/transfers?direction=both",
  "/top-ups",
  "/limits",
  "/freeze",
  "/set-aside",
  "/replays",
  "/receipts",
  "/receipts/verify?last=100000",
  "/users",
  "/settings",
  "/search?q=user00",
];

/** What axe finds against WCAG 2.2 A and AA. Run in the page by the driver, past the policy that keeps scripts of others out. */
async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(of: Document, how: object): Promise<AxeResults> } }).axe.run(
      document,
      {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
      },
    ),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ""}`),
  );
}

async function expectAllToBeWell(page: Page, address: string, paths: readonly string[]): Promise<void> {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 844 });
      for (const path of paths) {
        await page.goto(`${address}${path}`);
        await expectToFit(page);
        await expectToBeReadable(page);
        expect({ path, width, colorScheme, found: await findings(page) }).toEqual({
          path,
          width,
          colorScheme,
          found: [],
        });
      }
    }
  }
}

describe.skipIf(inject("chromium") === "")("every page of the console", () => {
  test("is well on a phone and on a desk, in the light and in the dark, with nothing to show", async ({
    console,
  }) => {
    await console.addUser("anna", "operator");
    await visited(console, async ({ page, address, signIn }) => {
      await signIn("anna");
      await expectAllToBeWell(
        page,
        address,
        LISTS.filter((path) => !path.startsWith("/search")),
      );
    });
  }, 600_000);

  test("is well with a programme to show, and each value is copied by one click", async ({
    console,
    databaseUrl,
  }) => {
    await console.addUser("anna", "operator");
    await writeProgramme(databaseUrl, { agreements: 120, nominators: 8, nowMs: console.nowMs });
    const { items: failed } = await console.browse.payouts({ statuses: ["failed"] }, { limit: 1 });
    const { items: open } = await console.browse.agreements({ status: "open" }, { limit: 1 });
    const { items: out } = await console.browse.transfers({ direction: "out" }, { limit: 1 });
    const [key, operation, txid] = [failed[0]?.key ?? "", open[0]?.agreement ?? "", out[0]?.txid ?? ""];
    await visited(console, async ({ page, address, signIn }) => {
      await signIn("anna");
      await expectAllToBeWell(page, address, [
        ...LISTS.filter((path) => !path.startsWith("/search")),
        `/agreements/${operation}`,
        `/nominators/user0007`,
        `/nominators/user0007/statement`,
        `/payouts?group=payee`,
        `/payouts/${key}`,
        `/payouts/${key}/requeue`,
        `/transfers/${operation}`,
        `/transactions/${txid}`,
        `/blocks/${operation.split(":")[0] ?? ""}`,
      ]);
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.goto(`${address}/payouts/${key}`);
      await page.getByRole("button", { name: "Copy payout key" }).click();
      await page.getByText(`Copied ${key}`).waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
    });
  }, 1_200_000);
});
