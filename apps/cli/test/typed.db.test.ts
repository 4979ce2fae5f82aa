import { LOCKS } from "@stakebts/core/database/locks";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wifFromSeed } from "@stakebts/devnet";
import pg from "pg";
import { afterAll, describe, expect, it, vi } from "vitest";
import { emptyDatabase } from "@stakebts/testkit/database";
import { test } from "./cli-test.ts";
import { ENTRY, inProcess, spawned, stakebtsWith } from "./stakebts.ts";

vi.setConfig({ testTimeout: 90_000 });

const folder = mkdtempSync(join(tmpdir(), "stakebts-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const inThisProcess = (environment: Readonly<Record<string, string | undefined>>) =>
  stakebtsWith(environment, inProcess);
const nothing = inThisProcess({});

describe("as it is shipped, in a process of its own,", () => {
  const shipped = stakebtsWith({ DATABASE_URL: "postgresql://u:secret-word@127.0.0.1:1/x" }, spawned);
  it("an answer goes to its output, what is wrong to its errors, and the exit code tells them apart", async () => {
    expect(await shipped("help", "payouts")).toMatchObject({
      code: 0,
      out: expect.stringContaining("Usage: stakebts"),
      err: "",
    });
    expect(await shipped("stat")).toMatchObject({ code: 2, out: "", err: expect.stringContaining("status") });
    const away = await shipped("status");
    expect(away).toMatchObject({ code: 69, out: "" });
    expect(away.err).not.toContain("secret-word");
    expect(await shipped.with({ DATABASE_URL: undefined })("status")).toMatchObject({ code: 78, out: "" });
  });
});

describe("a command that is given wrongly ends with 2 and says how to give it:", () => {
  const KEY = "refund:1:0:0";
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /Usage: stakebts/u],
    ["stat", /unknown command 'stat'[^]*Did you mean status/u],
    ["payouts", /Usage: stakebts payouts/u],
    ["payouts requeue", /which payouts\?/u],
    ["payouts requeue nonsense --reason x", /Expected a payout's key/u],
    ["payouts requeue --status failed --reason x", /choose among --all/u],
    [`payouts requeue ${KEY} --all --reason x`, /not both/u],
    ["payouts requeue --all --status sent --reason x --yes", /live withdrawal/u],
    ["payouts cancel --all --reason x --yes", /needs --status/u],
    [`payouts requeue ${KEY}`, /why\? give --reason/u],
    [`payouts settle ${KEY} --reason x`, /required option '--by/u],
    [`payouts settle ${KEY} --by 5 --reason x`, /block:trx:op/u],
    ["payouts list --status lost", /Expected one or more of due, ready/u],
    ["payouts show", /missing required argument 'payout'/u],
    ["stakes --limit many", /Expected a whole number/u],
    ["stakes --due-before soon", /Expected a date/u],
    ["stakes --agreement 5", /block:trx:op/u],
    ["agreements --status lost", /Allowed choices are open/u],
    ["forecast --balance 1.5", /Expected whole BTS/u],
    ["forecast --days 0", /1 to 9999/u],
    ["export", /--csv or --json/u],
    ["export --csv --json", /cannot be used with/u],
    ["export --csv --year 26", /Expected a year/u],
    ["payments off", /why\? give --reason/u],
    ["payments maybe", /unknown command/u],
    ["backup --keep 2d", /such as 48h,30d,12m/u],
    ["backup --every 30s", /such as 4h/u],
    ["backup --every 0h", /a minute or more/u],
    ["backup --every 4h --json", /cannot be used with/u],
    ["restore", /missing required argument 'file'/u],
    ["restore nowhere.dump", /there is no file nowhere.dump/u],
    ["reset", /why\? give --reason/u],
    ["config check everybody", /Allowed choices are ingester, scheduler, payer/u],
    ["keys create x", /required option '--role/u],
    ["keys check nowhere.keystore --password-file nowhere", /cannot read nowhere/u],
    ["import", /Usage: stakebts import/u],
    ["import blocks --reason x", /which blocks\?/u],
    ["import blocks 5,x --reason x", /expected block numbers with commas[^]*found "x"/u],
    ["import blocks 5 --file x --reason x", /which blocks\?/u],
    ["import blocks --file nowhere --reason x", /cannot read nowhere/u],
    ["import blocks 5 --paid-by-hand soon", /Expected days such as 2021-06-30/u],
    ["import text", /missing required argument 'file'/u],
    ["import text nowhere", /cannot read nowhere/u],
    ["import sqlite nowhere", /cannot read nowhere/u],
    ["import sqlite package.json", /package.json is not a SQLite database/u],
    ["import sqlite x --paid all", /Expected rows as the plan names them/u],
    ["import sqlite x --answered-up-to yesterday", /Expected a block number/u],
    ["blocks replay", /required option '--from/u],
    ["blocks replay --from 0", /Expected a block number/u],
    ["blocks replay --from 5 --to 3 --reason x", /--to 3 is before --from 5/u],
    ["completion fish", /Allowed choices are bash, zsh/u],
    ["status --colour", /unknown option '--colour'/u],
  ];
  it.each(cases)("stakebts %s", async (line, message) => {
    const settings = {
      DATABASE_URL: "postgresql://u:p@127.0.0.1:1/x",
      STAKEBTS_NODES: "ws://127.0.0.1:1,ws://127.0.0.1:2",
    };
    const answer = await inThisProcess(settings)(...line.split(" ").filter((word) => word !== ""));
    expect(answer.err).toMatch(message);
    expect(answer).toMatchObject({ code: 2, out: "" });
  });

  it("no operator is named", async () => {
    const anonymous = inThisProcess({ USER: undefined, DATABASE_URL: "postgresql://u:p@127.0.0.1:1/x" });
    const answer = await anonymous("payments", "off", "--reason", "x");
    expect(answer).toMatchObject({ code: 2, err: expect.stringContaining("--actor") });
  });
});

describe("help is an answer", () => {
  it.each([
    ["--help"],
    ["payouts requeue --help"],
    ["help payouts"],
    ["keys create --help"],
    ["import sqlite --help"],
    ["import blocks --help"],
    ["import text --help"],
    ["blocks replay --help"],
  ])("stakebts %s", async (line) => {
    const { code, out, err } = await nothing(...line.split(" "));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("Usage: stakebts");
  });
});

describe("what is missing around a command is told apart:", () => {
  it("no database configured: 78", async () => {
    const answer = await nothing("status");
    expect(answer).toMatchObject({ code: 78, out: "" });
    expect(answer.err).toContain("DATABASE_URL is not set: expected postgresql://");
  });

  it("no database there: 69, and the password is not shown", async () => {
    const away = inThisProcess({ DATABASE_URL: "postgresql://u:secret-word@127.0.0.1:1/x" });
    for (const args of [["status"], ["stakes"], ["payments", "off", "--reason", "x"], ["export", "--csv"]]) {
      const answer = await away(...args);
      expect({ args, code: answer.code }).toEqual({ args, code: 69 });
      expect(answer.err).toContain("no database answers at 127.0.0.1:1");
      expect(answer.err).not.toContain("secret-word");
    }
  });

  it("a database without a ledger: 78", async () => {
    await emptyDatabase(async (url) => {
      const answer = await inThisProcess({ DATABASE_URL: url })("status");
      expect(answer).toMatchObject({ code: 78, err: expect.stringContaining("npm run db:migrate") });
      const doctor = await inThisProcess({ DATABASE_URL: url })("doctor");
      expect(doctor).toMatchObject({ code: 1, out: expect.stringContaining("it has no ledger yet") });
    });
  });

  test("no node there: 69, and nothing was moved", async ({ cluster, stakebts }) => {
    const key = await cluster.failedRefund();
    const lonely = stakebts.with({ STAKEBTS_NODES: "ws://127.0.0.1:1,ws://127.0.0.1:2" });
    const answer = await lonely("payouts", "requeue", key, "--reason", "x");
    expect(answer).toMatchObject({ code: 69, out: "" });
    expect((await lonely("balances")).code).toBe(69);
    expect(await stakebts.json("payouts", "show", key)).toMatchObject({ status: "failed" });
  });

  test("a payout that does not exist: 1, by the name that was given", async ({ stakebts, cluster }) => {
    await cluster.digest();
    const show = await stakebts("payouts", "show", "refund:9:9:9");
    expect(show).toMatchObject({ code: 1, out: "", err: expect.stringContaining("no payout refund:9:9:9") });
    const requeue = await stakebts("payouts", "requeue", "refund:9:9:9", "--reason", "x");
    expect(requeue).toMatchObject({
      code: 1,
      out: expect.stringContaining("refund:9:9:9: there is no such payout"),
    });
  });
});

describe("doctor", () => {
  test("finds nothing in a healthy cluster, and each thing that is wrong with what to do", async ({
    cluster,
    stakebts,
    databaseUrl,
  }) => {
    await cluster.digest();
    // What a watcher holds as long as it is there.
    const watcher = new pg.Client({ connectionString: databaseUrl });
    await watcher.connect();
    await watcher.query("SELECT pg_advisory_lock_shared($1)", [LOCKS.watcher]);
    const healthy = await stakebts
      .with({
        STAKEBTS_ACTIVE_KEY: wifFromSeed("custodian-active"),
        STAKEBTS_MEMO_KEY: wifFromSeed("custodian-memo"),
      })
      .json<{ name: string; state: string }[]>("doctor");
    expect(healthy.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(healthy.map(({ name }) => name)).toEqual(
      "database queues node,node,chain id,account,history,active key,memo key,ledger,freeze,limits,payments,watcher,audit log,payouts,money,clock"
        .replace(" ", ",")
        .replace(" node", ",node")
        .split(","),
    );
    await watcher.query("SELECT pg_advisory_unlock_shared($1)", [LOCKS.watcher]);
    await cluster.failedRefund();
    await cluster.devnet.produce(60);
    await stakebts("payments", "off", "--reason", "drill");
    const sick = await stakebts.with({
      STAKEBTS_ACTIVE_KEY: wifFromSeed("nominator-1-active"),
      REDIS_URL: "redis://127.0.0.1:1",
      STAKEBTS_NODES: `ws://u:secret-word@127.0.0.1:1/secret-word,${cluster.devnet.urls.join("?secret-word,")}?secret-word`,
    })("doctor");
    expect(sick.code).toBe(1);
    for (const line of [
      /^problem {2}watcher +none is running/mu,
      /^problem {2}queues +Redis: .*ECONNREFUSED/mu,
      /^problem {2}node +ws:\/\/127\.0\.0\.1:1: /mu,
      /^problem {2}active key +STAKEBTS_ACTIVE_KEY: BTS\w+ is not an active key of custodian/mu,
      /^problem {2}ledger +\d+ blocks behind the chain/mu,
      /^problem {2}payments +off: drill/mu,
      /^problem {2}payouts +1 wait for a person/mu,
      /^8 problem\(s\) found/mu,
    ])
      expect(sick.out).toMatch(line);
    expect(sick.out.match(/→/gu)).toHaveLength(8);
    expect(sick.out).not.toContain(wifFromSeed("nominator-1-active"));
    expect(sick.out + sick.err).not.toContain("secret-word");
    // Nodes that lost their chain, or never had that of this ledger: they have no block that is missing here.
    await watcher.query("UPDATE chain_cursor SET block_num = block_num + 1000");
    await watcher.end();
    expect((await stakebts("doctor")).out).toMatch(
      /^problem {2}ledger +at block \d+, \d+ ahead of the nodes/mu,
    );
    expect((await stakebts("status")).out).toMatch(/the ledger is \d+ block\(s\) ahead of these nodes/u);
    const away = await stakebts.with({ DATABASE_URL: "postgresql://u:p@127.0.0.1:1/x" })("doctor");
    expect(away).toMatchObject({ code: 1, out: expect.stringContaining("no database answers") });
    expect((await nothing("doctor")).code).toBe(1);
  });
});

describe("config", () => {
  it("checks each process's settings and shows them without secrets", async () => {
    const wif = wifFromSeed("custodian-active");
    const env = file(
      "payer.env",
      `DATABASE_URL=postgresql://u:secret-word@h/d\nSTAKEBTS_NODES=wss://n/secret-word,wss://u:secret-word@m/ws\nSTAKEBTS_NODE_QUORUM=2\nSTAKEBTS_ACTIVE_KEY=${wif}\nSTAKEBTS_PAYMENTS=on\n`,
    );
    expect(await nothing("--settings", env, "config", "check", "payer")).toEqual({
      code: 0,
      out: "ok       payer\n",
      err: "",
    });
    const shown = await nothing("--settings", env, "config", "show", "payer");
    expect(shown.out).toMatch(/STAKEBTS_ACTIVE_KEY +\(hidden\)/u);
    expect(shown.out).toMatch(/STAKEBTS_NODE_QUORUM +2/u);
    expect(shown.out).not.toMatch(new RegExp(`secret-word|${wif}`, "u"));
    const wrong = await nothing("config", "check", "payer");
    expect(wrong.code).toBe(78);
    for (const name of ["DATABASE_URL", "STAKEBTS_NODES", "STAKEBTS_ACTIVE_KEY", "STAKEBTS_PAYMENTS"])
      expect(wrong.out).toContain(`${name} is not set`);
    const mistyped = file("mistyped.env", `DATABASE_URL=postgresql://u:p@h/d\nSTAKEBTS_CLOK_RATE=2\n`);
    expect(await nothing("--settings", mistyped, "config", "check", "scheduler")).toMatchObject({
      code: 78,
      out: expect.stringContaining("STAKEBTS_CLOK_RATE is not a setting: did you mean STAKEBTS_CLOCK_RATE?"),
    });
    expect(await nothing("--settings", mistyped, "status")).toMatchObject({
      code: 78,
      err: expect.stringContaining("did you mean STAKEBTS_CLOCK_RATE?"),
    });
    expect(await nothing("--settings", join(folder, "none"), "config", "check")).toMatchObject({
      code: 78,
      err: expect.stringContaining("ENOENT"),
    });
  });
});

test("config list says what can be set, and who reads it", async () => {
  const listed = await nothing("config", "list", "watcher");
  expect(listed.code).toBe(0);
  expect(listed.out).toContain("DATABASE_URL (secret)\n");
  expect(listed.out).toMatch(
    /STAKEBTS_NODE_QUORUM\n {2}How many nodes .*\n {2}read by: ingester, .*without it: more than half of the nodes;/u,
  );
  expect(listed.out).not.toMatch(/ACTIVE_KEY|FREEZE/u);
  const { settings } = JSON.parse((await nothing("config", "list", "--json")).out) as {
    settings: { name: string }[];
  };
  expect(settings.map(({ name }) => name)).toContain("STAKEBTS_EXCHANGE_n_KEY");
});

test("a command does not use nodes of another chain than STAKEBTS_CHAIN_ID", async ({ stakebts }) => {
  expect(await stakebts.with({ STAKEBTS_CHAIN_ID: "4".repeat(64) })("balances")).toMatchObject({
    code: 78,
    err: expect.stringContaining("wrong_chain"),
  });
});

describe("keys", () => {
  const password = file("password", "a password of some length\n");
  const wif = wifFromSeed("custodian-active");

  test("go into a keystore that is not overwritten, and fit the account or do not", async ({ stakebts }) => {
    const keystore = join(folder, "payer.keystore");
    const create = () =>
      stakebts.with({ STAKEBTS_ACTIVE_KEY: wif })(
        "keys",
        "create",
        keystore,
        "--role",
        "active",
        "--password-file",
        password,
      );
    const created = await create();
    expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^active BTS\w+\n$/u) });
    expect(statSync(keystore).mode & 0o777).toBe(0o600);
    expect(readFileSync(keystore, "utf8")).not.toContain(wif);
    expect(await create()).toMatchObject({ code: 2, err: expect.stringContaining("never overwritten") });
    const check = (...more: string[]) =>
      stakebts("keys", "check", keystore, "--password-file", password, ...more);
    expect(await check()).toMatchObject({
      code: 0,
      out: expect.stringContaining("fit the custodian's account"),
    });
    const other = stakebts.with({ STAKEBTS_CUSTODIAN: "nominator-1" });
    expect(await other("keys", "check", keystore, "--password-file", password)).toMatchObject({
      code: 1,
      out: expect.stringContaining("is not an active key of nominator-1"),
    });
    const wrong = await stakebts(
      "keys",
      "check",
      keystore,
      "--password-file",
      file("wrong", "another password"),
    );
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("the password does not open") });
    const payer = inThisProcess({
      DATABASE_URL: "postgresql://u:p@h/d",
      STAKEBTS_NODES: "ws://n,ws://m",
      STAKEBTS_PAYMENTS: "off",
      STAKEBTS_KEYSTORE: keystore,
      STAKEBTS_KEYSTORE_PASSWORD_FILE: password,
    });
    expect(await payer("config", "check", "payer")).toMatchObject({ code: 0 });
  });

  it("are refused when they are none, or the password is short, or no person can be asked", async () => {
    const create = (environment: Record<string, string>, passwordFile: string) =>
      inThisProcess(environment)(
        "keys",
        "create",
        join(folder, "x.keystore"),
        "--role",
        "active",
        "--password-file",
        passwordFile,
      );
    expect(await create({}, password)).toMatchObject({
      code: 2,
      err: expect.stringContaining("STAKEBTS_ACTIVE_KEY"),
    });
    expect((await create({ STAKEBTS_ACTIVE_KEY: "5nonsense" }, password)).code).toBe(78);
    expect(await create({ STAKEBTS_ACTIVE_KEY: wif }, file("short", "short"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("at least 12 characters"),
    });
    expect(readdirSync(folder)).not.toContain("x.keystore");
  });
});

describe("at a terminal", () => {
  const script = spawnSync("script", ["--version"]).status === 0;

  test.skipIf(!script)(
    "a reason is asked for, and answers are coloured",
    async ({ stakebts, databaseUrl }) => {
      // `script` gives the command a terminal of its own.
      const typed = spawnSync(
        "script",
        [
          "-qec",
          `"${process.execPath}" "${ENTRY}" payments off && "${process.execPath}" "${ENTRY}" status`,
          "/dev/null",
        ],
        {
          encoding: "utf8",
          input: "strange transfer\r",
          env: { PATH: process.env["PATH"], USER: "operator-1", TERM: "xterm", DATABASE_URL: databaseUrl },
        },
      );
      expect(typed.stdout).toContain("Reason: ");
      expect(typed.stdout).toContain("\u001B[31moff: strange transfer\u001B[39m");
      expect(await stakebts.json("status")).toMatchObject({
        payments: { on: false, reason: "strange transfer" },
      });
    },
  );
});

describe("completion", () => {
  it("for bash completes commands, their options and their values", async () => {
    const script = file("completion.bash", (await nothing("completion", "bash")).out);
    const complete = (...words: string[]): string[] => {
      const typed = ["stakebts", ...words].map((word) => `'${word}'`).join(" ");
      const bash = spawnSync(
        "bash",
        [
          "-c",
          `source ${script}; COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _stakebts; printf '%s\\n' "\${COMPREPLY[@]}"`,
        ],
        { encoding: "utf8" },
      );
      expect(bash.stderr).toBe("");
      return bash.stdout.trim().split("\n");
    };
    expect(complete("pay")).toEqual(["payouts", "payments"]);
    expect(complete("payouts", "re")).toEqual(["requeue", "release"]);
    expect(complete("payouts", "requeue", "refund:1:0:0", "--re")).toEqual(["--reason"]);
    expect(complete("payments", "")).toEqual(["on", "off", "--help"]);
    expect(complete("config", "check", "pa")).toEqual(["payer"]);
  });

  it("for zsh is a script that zsh would take", async () => {
    const { code, out } = await nothing("completion", "zsh");
    expect(code).toBe(0);
    expect(out).toMatch(/^#compdef stakebts\n/u);
    expect(out).toContain('"payouts requeue") words_="');
  });
});
