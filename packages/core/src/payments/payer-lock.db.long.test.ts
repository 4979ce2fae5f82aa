import { LOCKS } from "../database/locks.ts";
import { hostClock } from "../runtime/host-clock.ts";
import { withPayerLock } from "./payer-lock.ts";
import { createPostgresPayerLock } from "./postgres-payer-lock.ts";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import pg from "pg";
import { describe, expect } from "vitest";
import { test } from "@stakebts/testkit/database";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A payer that works until it is told to stop, and says when it begins and ends. */
function payer(databaseUrl: string, name: string, say: (what: string) => void, clock: HostClock = hostClock) {
  const stop = new AbortController();
  const lock = createPostgresPayerLock({ databaseUrl, clock, log: silent });
  const ended = withPayerLock({ lock, clock, log: silent }, stop.signal, async (lost) => {
    say(`${name} works`);
    await new Promise<void>((resolve) => lost.addEventListener("abort", () => resolve(), { once: true }));
    say(`${name} stops`);
  });
  return {
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

/** What was said, and a way to wait for the next word. */
function recorder() {
  const said: string[] = [];
  let wake: () => void = () => undefined;
  return {
    said,
    say: (what: string) => {
      said.push(what);
      wake();
    },
    until: async (what: string) => {
      while (!said.includes(what)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

/** Of a process that is frozen: it does nothing that it wanted to do after a while. */
const frozenClock: HostClock = {
  ...hostClock,
  sleep: (_, signal) =>
    new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true })),
};

async function cutSessionsWithLock(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND objid = ${LOCKS.payer}
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  await client.end();
}

describe("the payer's lock", () => {
  test("is held by one payer at a time, and passes on when that one stops", async ({ databaseUrl }) => {
    const { said, say, until } = recorder();
    const first = payer(databaseUrl, "first", say);
    await until("first works");
    const second = payer(databaseUrl, "second", say);
    await first.stop();
    await until("second works");
    await second.stop();
    expect(said).toEqual(["first works", "first stops", "second works", "second stops"]);
  });

  test("is lost with its session, and the payer is told at once", async ({ databaseUrl }) => {
    const { said, say, until } = recorder();
    const only = payer(databaseUrl, "payer", say);
    await until("payer works");
    await cutSessionsWithLock(databaseUrl);
    await until("payer stops");
    said.length = 0;
    await until("payer works"); // It asks again, and no other payer wants the lock.
    await only.stop();
  });

  // Its machine answers the keep-alives of the connection all the while.
  test("passes on when its payer is frozen, and the frozen one has to ask again", async ({ databaseUrl }) => {
    const { said, say, until } = recorder();
    const frozen = payer(databaseUrl, "frozen", say, frozenClock);
    await until("frozen works");
    const second = payer(databaseUrl, "second", say);
    await until("second works");
    await until("frozen stops");
    await Promise.all([frozen.stop(), second.stop()]);
    expect(said.filter((what) => what.endsWith("works"))).toEqual(["frozen works", "second works"]);
  });
});
