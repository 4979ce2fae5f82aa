import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startPostgres } from "@stakebts/testkit/postgres";
import { writeProgramme } from "@stakebts/testkit/written-programme";
import { inBrowser, pagesOf, type Shown, withConsole } from "../apps/console/test/shown-console.ts";
import { prepare } from "../prisma/migrate.ts";

// Pictures of the console's pages for the documents.
//   npm run screenshots                    docs/images, few and small
//   npm run screenshots -- --all folder    every page, wide and narrow, dark and light
// How long each page takes: npm run bench -- --only pages

const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? undefined : process.argv[at + 1];
};
const all = argument("all");
const agreements = Number(argument("agreements") ?? 300);
const BYTES_MAX = 1_000_000;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const postgres = await startPostgres();
  try {
    const url = await postgres.createDatabase("pictures");
    await prepare(url);
    const nowMs = Date.now();
    say(`writing ${agreements} agreements …`);
    await writeProgramme(url, { agreements, nominators: Math.max(9, Math.floor(agreements / 4)), nowMs });
    await withConsole(url, nowMs, takeAll);
  } finally {
    await postgres.stop();
  }
}

const takeAll = (shown: Shown): Promise<void> =>
  inBrowser(shown.address, async (page) => {
    const pages = pagesOf(shown);
    const folder = all ?? join(import.meta.dirname, "../docs/images");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    let bytes = 0;
    const take = async (name: string, path: string, fullPage: boolean) => {
      await page.goto(`${shown.address}${path}`);
      await delay(50);
      const file = join(folder, `${name}.png`);
      await page.screenshot({ path: file, fullPage, scale: "css" });
      bytes += statSync(file).size;
    };
    if (all === undefined) {
      for (const name of ["overview", "payout", "agreement", "forecast"])
        await take(name, pages.find(([one]) => one === name)?.[1] ?? "/", false);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 390, height: 844 });
      await take("overview-phone-dark", "/", false);
      say(`${folder}: ${bytes} bytes`);
      if (bytes > BYTES_MAX)
        throw new Error(`the pictures have ${bytes} bytes together, and may have ${BYTES_MAX}`);
      return;
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 844 });
        for (const [name, path] of pages) await take(`${name}-${width}-${colorScheme}`, path, true);
      }
    }
  });

await main();
