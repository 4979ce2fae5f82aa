import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, it, vi } from "vitest";
import { REPOSITORY } from "@stakebts/testkit/repository";
import { LineLog } from "@stakebts/testkit/started-program";

vi.setConfig({ testTimeout: 600_000 });

/** As a terminal has it: what is started there gets Ctrl-C as one group. */
function startDemo() {
  const folder = mkdtempSync(join(tmpdir(), "stakebts-demo-"));
  chmodSync(folder, 0o755); // PostgreSQL runs as another user when this is root, and has to get in.
  const child = spawn(process.execPath, ["--import", "tsx", "demo/main.ts"], {
    cwd: REPOSITORY,
    detached: true,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const log = new LineLog<string>(10_000);
  createInterface({ input: child.stdout }).on("line", (line) => log.add(line));
  const exited = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  const pressCtrlC = () => process.kill(-(child.pid as number), "SIGINT");
  const waitFor = (fits: (line: string) => boolean) =>
    log.find(fits, async () => {
      throw new Error(`the demo ended (${await exited}):\n${log.lines.slice(-20).join("\n")}`);
    });
  ends.push(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, group: child.pid as number, pressCtrlC, waitFor, exited };
}

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A browser without pictures: cookies, and the token of a form. */
async function signIn(address: string, name: string, password: string) {
  const cookies = new Map<string, string>();
  const ask = async (path: string, form?: Readonly<Record<string, string>>): Promise<string> => {
    const response = await fetch(`${address}${path}`, {
      redirect: "manual",
      headers: {
        cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join("; "),
        origin: address,
        "sec-fetch-site": "same-origin",
      },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, key = "", value = ""] = /^([^=]+)=([^;]*)/u.exec(cookie) ?? [];
      cookies.set(key, value);
    }
    return await response.text();
  };
  const token = (page: string): string => /name="csrf" value="([^"]+)"/u.exec(page)?.[1] ?? "";
  await ask("/login", { csrf: token(await ask("/login")), next: "/", name, password });
  return {
    get: (path: string) => ask(path),
    post: async (path: string, form: Readonly<Record<string, string>>) =>
      ask(path, { ...form, csrf: token(await ask(path)) }),
  };
}

it("goes on after the year with something to decide in the console, and Ctrl-C leaves nothing behind", async () => {
  const { folder, group, pressCtrlC, waitFor, exited } = startDemo();
  expect(await waitFor((line) => line.startsWith('{"ok"'))).toContain('"ok":true');
  await waitFor((line) => line.startsWith("The programme goes on"));
  const invitation = await waitFor((line) => line.includes("sign in as"));
  const [, address = "", name = "", password = ""] =
    /console +(\S+), sign in as (\S+) with (\S+)/u.exec(invitation) ?? [];
  const visitor = await signIn(address, name, password);

  const overview = await visitor.get("/");
  const link = (verb: string) => new RegExp(`href="(/payouts/[^"]+/${verb})"`, "u").exec(overview)?.[1] ?? "";
  expect(await visitor.post(link("requeue"), { reason: "nodes are well again", typed: "29950" })).toContain(
    "failed → ready",
  );
  await visitor.post(link("approve"), { reason: "looked at", typed: "200000" });
  await Promise.all([
    waitFor((line) => /paid +29 950 BTS → nominator-7/u.test(line)),
    waitFor((line) => /paid +200 000 BTS → nominator-8/u.test(line)),
    waitFor((line) => /agreement opened +nominator-2: six_months for 50000/u.test(line)),
  ]);

  pressCtrlC();
  expect(await exited).toBe(0);
  expect(spawnSync("pgrep", ["-g", String(group)]).stdout.toString()).toBe("");
  expect(
    existsSync(folder) ? readdirSync(folder).filter((file) => file.startsWith("stakebts-")) : [],
  ).toEqual([]);
  await expect(fetch(address)).rejects.toThrow("fetch failed");
});
