import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, inject } from "vitest";
import { writeProgramme } from "@stakebts/testkit/written-programme";
import { test } from "../console-environment.ts";
import { expectToBeReadable, expectToFit, visited } from "./visit.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** A page is read in `colorScheme`, and then looked at in the other one, as when the sun sets. */
interface Look {
  readonly width: number;
  readonly colorScheme: "light" | "dark";
}

const PHONE_IN_THE_DARK: Look = { width: 390, colorScheme: "dark" };
const DESK_IN_THE_LIGHT: Look = { width: 1280, colorScheme: "light" };
const LOOKS: readonly Look[] = [PHONE_IN_THE_DARK, DESK_IN_THE_LIGHT];
const OTHER = { light: "dark", dark: "light" } as const;

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

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/** All that another colour scheme changes. */
const COLOURS = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

/** What axe finds against WCAG 2.2 A and AA. Run in the page by the driver, past the policy that keeps scripts of others out. */
async function findings(page: Page, runOnly: object = WCAG): Promise<readonly string[]> {
  const { violations } = await page.evaluate(
    (how) =>
      (globalThis as unknown as { axe: { run(of: Document, how: object): Promise<AxeResults> } }).axe.run(
        document,
        how,
      ),
    // It describes each element of a page otherwise, those that are well too.
    { runOnly, resultTypes: ["violations"] },
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ""}`),
  );
}

async function expectAllToBeWell(
  page: Page,
  { address, paths }: { address: string; paths: readonly string[] },
): Promise<void> {
  for (const { width, colorScheme } of LOOKS) {
    await page.setViewportSize({ width, height: 844 });
    for (const path of paths) {
      await page.emulateMedia({ colorScheme });
      await page.goto(`${address}${path}`);
      await page.evaluate(AXE);
      await expectToFit(page);
      await expectToBeReadable(page);
      const found = await findings(page);
      const other = OTHER[colorScheme];
      await page.emulateMedia({ colorScheme: other });
      const foundThen = await findings(page, COLOURS);
      expect({ path, width, [colorScheme]: found, [other]: foundThen }).toEqual({
        path,
        width,
        light: [],
        dark: [],
      });
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
      await expectAllToBeWell(page, {
        address,
        paths: LISTS.filter((path) => !path.startsWith("/search")),
      });
    });
  }, 600_000);

  test("is well on a phone and on a desk, in the light and in the dark, with a programme to show, and each value is copied by one click", async ({
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
      const paths = [
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
      ];
      await expectAllToBeWell(page, { address, paths });
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.goto(`${address}/payouts/${key}`);
      await page.getByRole("button", { name: "Copy payout key" }).click();
      await page.getByText(`Copied ${key}`).waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
    });
  }, 1_200_000);
});
