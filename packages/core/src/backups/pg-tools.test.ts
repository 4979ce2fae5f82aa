import { describe, expect, it } from "vitest";
import { connectionOf } from "./pg-tools.ts";

describe("the address that a program of PostgreSQL gets on its command line", () => {
  it.each([
    ["postgresql://u:secret%20word@host:5433/db", "postgresql://u@host:5433/db", "secret word"],
    [
      "postgres://u@host/db?password=secret&schema=public&sslmode=require",
      "postgresql://u@host/db?sslmode=require",
      "secret",
    ],
    ["postgresql://u:p%40ss@[::1]:5432/my%20db", "postgresql://u@[::1]:5432/my%20db", "p@ss"],
  ])("%s has no password, and nothing that only we understand", (address, dbname, password) => {
    const found = connectionOf(address);
    expect(found.dbname).toBe(dbname);
    expect(found.environment["PGPASSWORD"]).toBe(password);
  });
});
