import { processLogins } from "@stakebts/testkit/process-logins";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { passwordFits } from "@stakebts/core/operators/console-access";
import pg from "pg";
import { describe, expect } from "vitest";
import { runCommandLine } from "../src/program.ts";
import { test as base } from "@stakebts/testkit/database";
import { inProcess, stakebtsWith, type Stakebts } from "./stakebts.ts";

const test = base.extend<{ stakebts: Stakebts; file: (password: string) => string }>({
  stakebts: async ({ databaseUrl }: { databaseUrl: string }, use: (stakebts: Stakebts) => Promise<void>) => {
    await use(stakebtsWith({ DATABASE_URL: (await processLogins(databaseUrl)).operator }, inProcess));
  },
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from the pattern
  file: async ({}, use: (file: (password: string) => string) => Promise<void>) => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-users-"));
    let files = 0;
    await use((password) => {
      const path = join(folder, `password-${files++}`);
      writeFileSync(path, `${password}\n`);
      return path;
    });
    rmSync(folder, { recursive: true });
  },
});

const storedHash = async (databaseUrl: string, name: string): Promise<string | undefined> => {
  const access = createPostgresConsoleAccess({ url: databaseUrl });
  try {
    return await access.passwordHashOf(name);
  } finally {
    await access.close();
  }
};

interface Row {
  readonly event: string;
  readonly subject: string;
  readonly details: unknown;
}

const rows = async (databaseUrl: string, sql: string): Promise<readonly Row[]> => {
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    return (await db.query<Row>(sql)).rows;
  } finally {
    await db.end();
  }
};

describe("stakebts users", () => {
  test("makes users, lists them, keeps them out and lets them in, with a receipt for each", async ({
    stakebts,
    file,
    databaseUrl,
  }) => {
    const first = ["--password-file", file("correct horse battery")];
    expect(await stakebts("users", "add", "anna", "--role", "operator", ...first)).toMatchObject({
      code: 0,
      out: "anna may sign in as operator\n",
    });
    expect((await stakebts("users", "add", "vera", "--role", "viewer", ...first)).code).toBe(0);
    expect((await stakebts("users", "add", "vera", "--role", "operator", ...first)).code).toBe(1);
    expect(
      await stakebts("users", "add", "vera", "--role", "operator", "--if-missing", ...first),
    ).toMatchObject({
      code: 0,
      out: "there is a user vera already\n",
    });
    expect(await passwordFits("correct horse battery", (await storedHash(databaseUrl, "anna")) ?? "")).toBe(
      true,
    );

    expect((await stakebts("users", "disable", "vera")).out).toBe("vera is disabled\n");
    expect((await stakebts("users", "disable", "vera")).out).toBe("vera is disabled already\n");
    expect(await storedHash(databaseUrl, "vera")).toBeUndefined();
    expect(await stakebts.json("users", "list")).toMatchObject({
      users: [
        { name: "anna", role: "operator", disabled: false },
        { name: "vera", role: "viewer", disabled: true },
      ],
    });
    expect((await stakebts("users", "list")).out).toMatch(/anna +operator +enabled/u);
    expect((await stakebts("users", "enable", "vera")).out).toBe("vera is enabled\n");

    const second = ["--password-file", file("another long password")];
    expect((await stakebts("users", "password", "anna", ...second)).code).toBe(0);
    const hash = (await storedHash(databaseUrl, "anna")) ?? "";
    expect(await passwordFits("another long password", hash)).toBe(true);
    expect(await passwordFits("correct horse battery", hash)).toBe(false);

    const receipts = await rows(databaseUrl, "SELECT event, subject, details FROM receipt ORDER BY id");
    expect(receipts.map(({ event, subject }) => `${event} ${subject}`)).toEqual([
      "console.user_added anna",
      "console.user_added vera",
      "console.user_disabled vera",
      "console.user_enabled vera",
      "console.password_changed anna",
    ]);
    expect(receipts[0]?.details).toEqual({ role: "operator", actor: "operator-1" });
    expect(JSON.stringify(receipts)).not.toMatch(/correct|scrypt/u);
  });

  test("refuses a name that is taken or is none, a role that is none, and a short password", async ({
    stakebts,
    file,
  }) => {
    const good = ["--password-file", file("correct horse battery")];
    await stakebts("users", "add", "anna", "--role", "viewer", ...good);
    expect((await stakebts("users", "add", "anna", "--role", "operator", ...good)).code).toBe(1);
    for (const name of ["Anna", "1anna", "", "a b", "a'--", "x".repeat(33)])
      expect((await stakebts("users", "add", name, "--role", "viewer", ...good)).code).toBe(2);
    expect((await stakebts("users", "add", "eve", "--role", "admin", ...good)).code).toBe(2);
    const short = ["--password-file", file("too short")];
    expect((await stakebts("users", "add", "eve", "--role", "viewer", ...short)).err).toContain(
      "at least 12",
    );
    for (const verb of ["disable", "enable"]) expect((await stakebts("users", verb, "eve")).code).toBe(1);
    expect((await stakebts("users", "password", "eve", ...good)).code).toBe(1);
  });

  test("asks for the password twice on a terminal, never takes it from the command line, and never shows it", async ({
    databaseUrl,
    stakebts,
  }) => {
    const told: string[] = [];
    const answers = [
      "correct horse battery",
      "correct horse batterx",
      "correct horse battery",
      "correct horse battery",
    ];
    const terminal = {
      out: (line: string) => void told.push(line),
      write: async (text: string) => void told.push(text),
      note: (line: string) => void told.push(line),
      paint: (_style: string, text: string) => text,
      isInteractive: true,
      ask: async () => "",
      askSecret: async (question: string) => {
        told.push(question);
        return answers.shift() ?? "";
      },
    };
    const environment = { DATABASE_URL: databaseUrl, USER: "operator-1" };
    const add = ["users", "add", "anna", "--role", "viewer"];
    expect(await runCommandLine(add, { terminal, environment })).toBe(2);
    expect(await storedHash(databaseUrl, "anna")).toBeUndefined();
    expect(await runCommandLine(add, { terminal, environment })).toBe(0);
    expect(told.filter((line) => line.startsWith("Password"))).toHaveLength(4);
    expect(told.join("\n")).not.toContain("correct");
    expect((await stakebts("users", "add", "eve", "--role", "viewer")).err).toContain("give --password-file");
    expect((await stakebts("users", "add", "eve", "--role", "viewer", "--password", "x")).code).toBe(2);
  });

  test("deletes no user, with any login of the database", async ({ stakebts, file, databaseUrl }) => {
    await stakebts(
      "users",
      "add",
      "anna",
      "--role",
      "viewer",
      "--password-file",
      file("correct horse battery"),
    );
    await expect(rows(databaseUrl, "DELETE FROM console_user")).rejects.toThrow("nothing is ever deleted");
    await expect(rows(databaseUrl, "UPDATE console_user SET role = 'admin'")).rejects.toThrow("role_known");
    await expect(rows(databaseUrl, "UPDATE console_user SET password_hash = 'plain'")).rejects.toThrow(
      "is_hashed",
    );
  });
});
