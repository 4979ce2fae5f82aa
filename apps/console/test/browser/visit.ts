import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { expect, inject } from "vitest";
import { type ConsoleEnvironment, PASSWORD } from "../console-environment.ts";

// A real browser in front of a console that really listens.

export const WIDTHS = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } } as const;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Visit {
  readonly page: Page;
  readonly address: string;
  readonly signIn: (name: string) => Promise<void>;
}

/**
 * Opens the console in a browser, and fails afterwards if a page complained on the browser's console, broke, or asked
 * another host for anything.
 */
export async function visited(
  console: ConsoleEnvironment,
  run: (visit: Visit) => Promise<void>,
): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), "stakebts-chromium-"));
  const listening = await new Promise<{ address: string; close: () => Promise<void> }>((resolve) => {
    const server = serve({ fetch: console.app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
      const close = () =>
        new Promise<void>((done) => {
          server.close(() => done());
          if ("closeAllConnections" in server) server.closeAllConnections();
        });
      resolve({ address: `http://127.0.0.1:${port}`, close });
    });
  });
  let context: BrowserContext | undefined;
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: inject("chromium"),
      viewport: WIDTHS.desktop,
      args: FLAGS,
    });
    const page = context.pages()[0] ?? (await context.newPage());
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    context.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${listening.address}/`) && !url.startsWith("data:"))
        complaints.push(`asked for ${url}`);
    });
    await run({
      page,
      address: listening.address,
      async signIn(name) {
        await page.goto(listening.address);
        await page.getByLabel("Name").fill(name);
        await page.getByLabel("Password").fill(PASSWORD);
        await page.getByRole("button", { name: "Sign in" }).click();
        await page.getByRole("heading", { name: "Overview" }).waitFor();
      },
    });
    expect(complaints).toEqual([]);
  } finally {
    await context?.close();
    await listening.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Nothing is wider than the screen, and nothing lies beside it. */
export async function expectToFit(page: Page): Promise<void> {
  const [content, screen] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(content).toBe(screen);
}

/** Every field and button says what it is, and headings go down one step at a time. */
export async function expectToBeReadable(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const visible = [...document.querySelectorAll<HTMLElement>("input:not([type=hidden]),textarea,button,a")];
    return {
      nameless: visible
        .filter((element) => {
          const labels =
            element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
              ? element.labels
              : null;
          return (
            (labels?.length ?? 0) === 0 && (element.ariaLabel ?? element.textContent ?? "").trim() === ""
          );
        })
        .map((element) => element.outerHTML),
      levels: [...document.querySelectorAll("h1,h2,h3")].map((heading) => Number(heading.tagName[1])),
      language: document.documentElement.lang,
      title: document.title,
    };
  });
  expect(found.nameless).toEqual([]);
  expect(found.levels[0]).toBe(1);
  expect(found.levels.every((level, n) => n === 0 || level <= (found.levels[n - 1] ?? 1) + 1)).toBe(true);
  expect(found.language).toBe("en");
  expect(found.title).toMatch(/· StakeBTS$/u);
}
