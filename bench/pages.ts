import pg from "pg";
import type { Pg } from "@stakebts/testkit/postgres";
import { writeProgramme } from "@stakebts/testkit/written-programme";
import type { Page } from "playwright-core";
import { inBrowser, pagesOf, type Shown, withConsole } from "../apps/console/test/shown-console.ts";
import { prepare } from "../prisma/migrate.ts";
import { fact, median, type Row } from "./measure.ts";

const VISITS = 5;
const SERVER_MS = 300;
const INTERACTIVE_MS = 1_000;

/**
 * Each page of the console over a year of a programme: what it takes at the server, the first time and in the middle of five, and
 * until a browser on this machine has run the page's script, which is when everything on it can be used.
 */
export async function benchPages(
  postgres: Pg,
  { agreements }: { agreements: number },
): Promise<readonly Row[]> {
  const url = await postgres.createDatabase("bench_pages");
  await prepare(url);
  const nowMs = Date.now();
  await writeProgramme(url, { agreements, nominators: Math.max(9, Math.floor(agreements / 4)), nowMs });
  return benchPagesOf(url, nowMs);
}

/** @param url of a ledger that {@link writeProgramme} has written */
export async function benchPagesOf(url: string, nowMs: number): Promise<readonly Row[]> {
  const rows = [fact("pages of the console", `${await stakeRows(url)} rows`)];
  await withConsole(url, nowMs, (shown) =>
    inBrowser(shown.address, async (page) => {
      for (const [name, path] of pagesOf(shown)) rows.push(await visit(page, shown, name, path));
    }),
  );
  return rows;
}

async function stakeRows(url: string): Promise<string> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  const { rows } = await db.query<{ count: string }>("SELECT count(*) FROM stake_row");
  await db.end();
  return Number(rows[0]?.count ?? 0).toLocaleString("en");
}

async function visit(page: Page, { address }: Shown, name: string, path: string): Promise<Row> {
  const [server, interactive]: [number[], number[]] = [[], []];
  for (let n = 0; n < VISITS; n++) {
    await page.goto(`${address}${path}`);
    const [atServer, usable] = await page.evaluate(() => {
      const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
      const total = entry?.serverTiming.find((timing) => timing.name === "total")?.duration;
      return [total ?? Number.NaN, entry?.domContentLoadedEventEnd ?? Number.NaN];
    });
    server.push(atServer ?? Number.NaN);
    interactive.push(usable ?? Number.NaN);
  }
  const ms = (value: number | undefined): string => `${Math.round(value ?? Number.NaN)} ms`;
  return fact(
    `  ${name}`,
    ms(median(server)),
    `${SERVER_MS} ms; first ${ms(server[0])}; usable after ${ms(median(interactive))} (${INTERACTIVE_MS} ms)`,
  );
}
