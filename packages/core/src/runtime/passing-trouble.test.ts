import { AxiosError } from "axios";
import { describe, expect, it } from "vitest";
import { AssertionError } from "@stakebts/kernel/assert";
import { ServiceError, StartupError } from "@stakebts/kernel/errors";
import { ChainError } from "@stakebts/bitshares/chain";
import { mayPass } from "./passing-trouble.ts";

const withCode = (code: string, more: object = {}) => Object.assign(new Error("x"), { code, ...more });
const ofPrisma = (code: string, cause: object) =>
  withCode(code, { meta: { driverAdapterError: Object.assign(new Error("x"), { cause }) } });

describe("trouble that passes by itself", () => {
  it.each([
    ["a node that does not answer", new ChainError("deadline", "x")],
    ["an exchange that does not answer", new ServiceError("x")],
    ["a receiver of messages that does not answer", new AxiosError("x")],
    ["a closed connection", withCode("ECONNRESET")],
    ["a socket that is not there", withCode("ENOENT", { syscall: "connect" })],
    ["a server that is shut down", withCode("57P01")],
    ["a deadlock", withCode("40P01")],
    [
      "a lock that was not to be had",
      ofPrisma("P2010", { kind: "postgres", code: "55P03", originalCode: "55P03" }),
    ],
    ["a statement that took too long", ofPrisma("P2010", { kind: "postgres", originalCode: "57014" })],
    ["a server without connections", ofPrisma("P2037", { kind: "TooManyConnections" })],
    ["no connection of the pool", withCode("P2024")],
    ["a transaction that was ended", withCode("P2028")],
    ["a replica", withCode("25006")],
    ["a table that is being restored", withCode("42P01")],
    ["a connection without a code", new Error("Connection terminated unexpectedly")],
    ["Redis", Object.assign(new Error("READONLY"), { name: "ReplyError" })],
    ["a time-out", Object.assign(new Error("x"), { name: "TimeoutError" })],
    ["one of several that passes", new AggregateError([withCode("ECONNREFUSED"), withCode("ECONNREFUSED")])],
    ["a cause of a cause", new Error("x", { cause: new Error("y", { cause: withCode("EPIPE") }) })],
  ])("is %s", (_name, error) => expect(mayPass(error)).toBe(true));

  it.each([
    [
      "a row that a CHECK refuses",
      ofPrisma("P2010", { kind: "postgres", code: "23514", originalCode: "23514" }),
    ],
    [
      "a row that is there already",
      ofPrisma("P2002", { kind: "UniqueConstraintViolation", originalCode: "23505" }),
    ],
    ["a number that is too large", withCode("22003")],
    ["a statement after one whose failure was not noticed", withCode("25P02")],
    ["a missing right", withCode("42501")],
    ["an exception of a function", withCode("P0001")],
    ["a wrong password", withCode("28P01")],
    ["a bug", new TypeError("x is not a function")],
    ["a file that is not there", withCode("ENOENT", { syscall: "open" })],
    [
      "a broken assumption, with any cause",
      Object.assign(new AssertionError("x"), { cause: withCode("EPIPE") }),
    ],
    ["a wrong configuration", new StartupError("x", { cause: withCode("42P01") })],
    ["no error at all", "x"],
  ])("is not %s", (_name, error) => expect(mayPass(error)).toBe(false));

  it("is found in causes that go in a circle", () => {
    const one = new Error("one");
    one.cause = new Error("two", { cause: one });
    expect(mayPass(one)).toBe(false);
  });
});
