import { describe, expect } from "vitest";
import { ConsoleEnvironment, HERE, test, type Visitor } from "./console-environment.ts";

// Every route that the router knows, so that one which is added later is asked too. What is for everybody stands here.

const FOR_EVERYBODY = new Set([
  "GET /console.css",
  "GET /console.js",
  "GET /favicon.ico",
  "GET /login",
  "POST /login",
]);
/** A viewer may go. */
const FOR_VIEWERS = new Set(["POST /logout"]);
const SAFE = new Set(["GET", "HEAD"]);

interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly isSafe: boolean;
}

/** Middleware is registered for all methods and answers nothing by itself. */
function routesOf(console: ConsoleEnvironment): readonly Route[] {
  const routes = console.app.routes
    .filter(({ method, path }) => method !== "ALL" && path !== "/queues/*")
    .map(({ method, path }) => ({
      name: `${method} ${path}`,
      method,
      path: pathOf(path),
      isSafe: SAFE.has(method),
    }));
  return [...new Map(routes.map((route) => [route.name, route])).values()];
}

/** With something in the place of each parameter; the queue is one that operators may act on. */
const pathOf = (path: string): string =>
  path
    .replace(/:queue(?:Name)?\b/gu, "requests")
    .replace(":queueStatus", "failed")
    .replace(/:payout\b/gu, "00000000-0000-4000-8000-000000000000")
    .replace(/:\w+/gu, "x")
    .replace(/\*$/u, "js/main.js");

const json = (visitor: Visitor, token = visitor.csrf) => ({
  body: "{}",
  headers: { origin: HERE, "content-type": "application/json", "x-xsrf-token": token },
});

describe("every route of the console", () => {
  test("is known to this test: pages, requeue, sign-in and all of Bull Board", async ({ console }) => {
    const names = routesOf(console).map(({ name }) => name);
    for (const name of FOR_EVERYBODY) expect(names).toContain(name);
    expect(names).toEqual(
      expect.arrayContaining(["GET /", "POST /payouts/:payout/requeue", "POST /logout", "GET /queues"]),
    );
    expect(names.filter((name) => name.includes("/queues/api/")).length).toBeGreaterThan(30);
  });

  test("asks a visitor who is not signed in to sign in, with any method", async ({ console }) => {
    for (const { name, method, path } of routesOf(console)) {
      if (FOR_EVERYBODY.has(name)) continue;
      const answer = await console.send(method, path, undefined, method === "GET" ? {} : { body: "csrf=x" });
      expect({ name, status: answer.status, text: await answer.text() }).toEqual({
        name,
        status: 401,
        text: "sign in first\n",
      });
    }
  });

  test("lets a viewer look, and refuses everything that changes something", async ({ console }) => {
    const viewer = await console.visitor("viewer");
    for (const { name, method, path, isSafe } of routesOf(console)) {
      if (FOR_EVERYBODY.has(name) || FOR_VIEWERS.has(name)) continue;
      const { status } = await console.send(method, path, viewer, isSafe ? {} : json(viewer));
      expect({ name, refused: status === 403 || status === 401 }).toEqual({ name, refused: !isSafe });
    }
  });

  test("lets an approver be the second of two people, and change nothing else", async ({ console }) => {
    const approver = await console.visitor("approver");
    const names = routesOf(console).map(({ name }) => name);
    expect(names).toContain("POST /payouts/:payout/approve");
    for (const { name, method, path, isSafe } of routesOf(console)) {
      if (isSafe || FOR_EVERYBODY.has(name) || FOR_VIEWERS.has(name)) continue;
      const { status } = await console.send(method, path, approver, json(approver));
      expect({ name, refused: status === 403 || status === 401 }).toEqual({
        name,
        refused: !["POST /payouts/:payout/approve", "POST /payouts/:payout/cancel"].includes(name),
      });
    }
  });

  test("refuses an operator's request without the token, with another token, and from another site", async ({
    console,
  }) => {
    const operator = await console.visitor("operator");
    const good = json(operator);
    const without = { ...good, headers: { origin: HERE, "content-type": "application/json" } };
    const form = {
      body: "reason=x",
      headers: { origin: HERE, "content-type": "application/x-www-form-urlencoded" },
    };
    const from = (headers: Record<string, string>) => ({ ...good, headers: { ...good.headers, ...headers } });
    for (const { name, method, path, isSafe } of routesOf(console)) {
      if (isSafe || FOR_EVERYBODY.has(name)) continue;
      for (const request of [
        without,
        form,
        json(operator, ""),
        json(operator, operator.csrf.replace(/^./u, "!")),
        from({ origin: "http://elsewhere.example" }),
        from({ origin: "null" }),
        from({ origin: `${HERE}.elsewhere.example` }),
        from({ "sec-fetch-site": "same-site" }),
        from({ "sec-fetch-site": "cross-site" }),
      ]) {
        const { status } = await console.send(method, path, operator, request);
        expect({ name, headers: request.headers, status }).toMatchObject({ status: 403 });
      }
    }
  });

  test("lets an operator on a page of the console through", async ({ console }) => {
    const operator = await console.visitor("operator");
    for (const { name, method, path, isSafe } of routesOf(console)) {
      if (FOR_EVERYBODY.has(name) || name === "POST /logout") continue;
      const { status } = await console.send(method, path, operator, isSafe ? {} : json(operator));
      const isRetry = /^PUT \/queues\/api\/.*\/retry(?:$|\/)/u.test(name);
      const isBoard = name.includes(" /queues/api/");
      expect({ name, status, refused: status === 403 || status === 401 }).toEqual({
        name,
        status,
        refused: !isSafe && isBoard && !isRetry,
      });
      expect({ name, status: status < 500 }).toEqual({ name, status: true });
    }
  });

  test("says that nothing of it is kept, framed, sniffed or loaded from elsewhere", async ({ console }) => {
    const operator = await console.visitor("operator");
    for (const { path, isSafe } of routesOf(console)) {
      if (!isSafe) continue;
      const { headers } = await console.get(path, operator);
      expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/u);
      expect(headers.get("content-security-policy")).not.toMatch(/https?:|\*|script-src[^;]*unsafe/u);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toMatch(/no-store|^private/u);
    }
  });
});
