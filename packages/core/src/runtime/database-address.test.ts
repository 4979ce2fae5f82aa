import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fc, test } from "@stakebts/testkit/property";
import { afterAll, describe, expect, it } from "vitest";
import {
  AddressProblem,
  databaseOf,
  formatAddress,
  parseAddress,
  urlWithDatabase,
} from "./database-address.ts";
import { toolEnvironment } from "./database-session.ts";

const folder = mkdtempSync(join(tmpdir(), "address-"));
afterAll(() => rmSync(folder, { recursive: true }));
const CA = join(folder, "ca.pem");
writeFileSync(CA, "a certificate");

describe("the address of a database", () => {
  it("has defaults", () =>
    expect(parseAddress("postgres://u@host/db")).toEqual({
      host: "host",
      port: 5432,
      user: "u",
      password: undefined,
      database: "db",
      tls: undefined,
      channelBinding: undefined,
      options: undefined,
      connectTimeoutMs: undefined,
    }));

  it.each([
    ["postgresql://u:secret%20word@host:5433/db", "secret word"],
    ["postgresql://u:p@ss@host/db", "p@ss"],
    ["postgresql://u:p@ss/word@host/db", "p@ss/word"],
    ["postgresql://u:pa/ss?w#rd%@host:5432/db?sslmode=disable", "pa/ss?w#rd%"],
    ["postgresql://u:100%@host/db", "100%"],
    ["postgresql://u:100%zz%C3%A4@host/db", "100%zzä"],
    ["postgresql://u:%ff@host/db", "%ff"],
    ["postgresql://u:a:b:c@host/db", "a:b:c"],
    ["postgresql://u:pa?b=c@host/db", "pa?b=c"],
    ["postgresql://u:p+w&x=y;z@host/db", "p+w&x=y;z"],
    ["postgresql://u@host/db?password=a%26b", "a&b"],
    ["postgresql://u:pw@host/db?application_name=me@home", "pw"],
  ])("%s: the password is what was typed", (url, password) => {
    expect(parseAddress(url)).toMatchObject({ user: "u", password, host: "host", database: "db" });
    expect(parseAddress(formatAddress(parseAddress(url)))).toEqual(parseAddress(url));
  });

  test.prop([fc.string({ unit: "binary", minLength: 1 }).filter((text) => !text.includes("\0"))])(
    "takes any password that is encoded, and any database, also through other readers of addresses",
    (text) => {
      const url = `postgresql://user:${encodeURIComponent(text)}@host:5433/${encodeURIComponent(text)}`;
      const address = parseAddress(url);
      expect(address).toMatchObject({ host: "host", port: 5433, password: text, database: text });
      const formatted = new URL(formatAddress(address));
      expect(decodeURIComponent(formatted.password)).toBe(text);
    },
  );

  test.prop([fc.string()])("is read or refused, with any text, and never shown", (text) => {
    try {
      parseAddress(`postgresql://user:secret-word-of-mine${text}`);
    } catch (error) {
      expect(error).toBeInstanceOf(AddressProblem);
      expect((error as Error).message).not.toContain("secret-word");
    }
  });

  it.each([
    ["postgresql://u@[::1]:5432/my%20db", { host: "::1", port: 5432, database: "my db" }],
    ["postgresql:///db?host=/var/run/postgresql&user=u", { host: "/var/run/postgresql", user: "u" }],
    ["postgresql://u@%2Fvar%2Frun%2Fpostgresql:5433/db", { host: "/var/run/postgresql", port: 5433 }],
    ["postgresql://u@/db?host=/tmp&sslmode=require", { host: "/tmp", tls: undefined }],
    ["postgresql:///db", { host: "localhost", user: userInfo().username }],
  ])("%s", (url, expected) => {
    expect(parseAddress(url)).toMatchObject(expected);
    expect(parseAddress(formatAddress(parseAddress(url)))).toEqual(parseAddress(url));
  });

  it.each([
    "schema=public",
    "connection_limit=1&pool_timeout=0",
    "pgbouncer=true&statement_cache_size=0",
    "application_name=x&target_session_attrs=read-write&keepalives=1",
    "sslmode=&schema=",
  ])("passes over what other tools and poolers add: ?%s", (parameters) => {
    const plain = "postgresql://u:p@host:5432/db";
    expect(parseAddress(`${plain}?${parameters}`)).toEqual(parseAddress(plain));
  });

  it.each<[string, object | undefined]>([
    ["sslmode=disable", undefined],
    ["ssl=false", undefined],
    ["sslmode=require", { mode: "require" }],
    ["sslmode=require&sslaccept=strict", { mode: "require" }],
    [`sslmode=require&sslrootcert=${CA}`, { mode: "require", rootCert: CA }],
    [`sslmode=verify-ca&sslrootcert=${CA}`, { mode: "verify-ca", rootCert: CA }],
    ["sslmode=verify-full", { mode: "verify-full", rootCert: undefined }],
    ["sslmode=verify-full&sslrootcert=system", { mode: "verify-full", rootCert: undefined }],
    [`sslmode=verify-full&sslrootcert=${CA}&sslcert=${CA}&sslkey=${CA}`, { rootCert: CA, cert: CA, key: CA }],
    ["ssl=true", { mode: "verify-full" }],
    ["sslmode=no-verify", { mode: "no-verify" }],
  ])("knows how safe a connection is to be: ?%s", (parameters, tls) => {
    const found = parseAddress(`postgresql://u:p@host/db?${parameters}`).tls;
    if (tls === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(tls);
  });

  it.each([
    ["mysql://u:p@host/db", "expected postgresql://"],
    ["postgresql://u:p@host", "names no database"],
    ["postgresql://u:p@host:port/db", "the port is not a number"],
    ["postgresql://u:p@host:0/db", "the port is not a number"],
    ["postgresql://u:p@one,two/db", "several servers"],
    ["postgresql://u:p@host:5432,5433/db", "several servers"],
    ["postgresql://u:p@ho st/db", "the host is none"],
    ["postgresql://u:p@host/db?sslmode=prefer", "leaves open whether"],
    ["postgresql://u:p@host/db?sslmode=Require", "sslmode is disable, require"],
    ["postgresql://u:p@host/db?sslmod=require", "sslmod is not understood"],
    ["postgresql://u:p@host/db?sslmode=verify-ca", "needs sslrootcert"],
    ["postgresql://u:p@host/db?sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem cannot be read (ENOENT)"],
    [`postgresql://u:p@host/db?sslrootcert=${CA}`, "no sslmode"],
    ["postgresql://u:p@host/db?sslmode=verify-full&sslrootcert=ca.pem", "the whole path"],
    ["postgresql://u:p@host/db?schema=stakebts", "in the schema public"],
    ["postgresql://u:p@host/db?service=mine", "not understood"],
    ["postgresql://u:p@host/db?channel_binding=require", "needs TLS"],
    ["postgresql://u:p@host/db?channel_binding=maybe&sslmode=require", "is one of disable"],
    ["postgresql://u:p@host/db?connect_timeout=soon", "whole seconds"],
    ["postgresql://u:%00@host/db", "the character 0"],
    ["postgresql://u\ud800:p@host/db", "half of a character"],
    ["postgresql://u:p@host/\udc00", "half of a character"],
    ["postgresql://u:p@host/db?options=\udc00", "half of a character"],
  ])("%s is refused with a reason", (url, reason) => expect(() => parseAddress(url)).toThrow(reason));

  it("leads to another database of the same server", () => {
    const url = urlWithDatabase("postgresql://u:p%40@host/one?sslmode=require&schema=public", "an other/one");
    expect(databaseOf(url)).toBe("an other/one");
    expect(parseAddress(url)).toMatchObject({ password: "p@", tls: { mode: "require" } });
  });
});

describe("a program of PostgreSQL", () => {
  it("is given the address in its environment, in libpq's words", () =>
    expect(
      toolEnvironment(
        `postgresql://u:p%40ss@host:5433/db?sslmode=verify-ca&sslrootcert=${CA}&schema=public`,
        15,
      ),
    ).toMatchObject({
      PGHOST: "host",
      PGPORT: "5433",
      PGUSER: "u",
      PGPASSWORD: "p@ss",
      PGDATABASE: "db",
      PGSSLMODE: "verify-ca",
      PGSSLROOTCERT: CA,
    }));

  it.each([
    ["sslmode=no-verify", "require", undefined],
    ["sslmode=verify-full", "verify-full", "system"],
    ["", "disable", undefined],
  ])("reads ?%s as sslmode %s", (parameters, mode, rootCert) => {
    const environment = toolEnvironment(`postgresql://u:p@host/db?${parameters}`, 16);
    expect([environment["PGSSLMODE"], environment["PGSSLROOTCERT"]]).toEqual([mode, rootCert]);
  });
});
