import { describe, expect } from "vitest";
import { nextPath } from "../src/sign-in.tsx";
import { ConsoleEnvironment, HERE, PASSWORD, test } from "./console-environment.ts";

const cookiesOf = (answer: Response): readonly string[] => answer.headers.getSetCookie();
const pair = (cookie: string | undefined): string => cookie?.split(";", 1)[0] ?? "";

/** As a browser does it: the form first, then what it asks for. */
async function signIn(
  console: ConsoleEnvironment,
  given: { name: string; password: string; next?: string },
  headers: Record<string, string> = {},
): Promise<{ answer: Response; cookie: string }> {
  const shown = await console.get("/login");
  const formCookie = pair(cookiesOf(shown)[0]);
  const csrf = /name="csrf" value="([^"]+)"/u.exec(await shown.text())?.[1] ?? "";
  const answer = await console.send("POST", "/login", undefined, {
    body: new URLSearchParams({ csrf, ...given }),
    headers: { origin: HERE, cookie: formCookie, ...headers },
  });
  return { answer, cookie: pair(cookiesOf(answer).find((cookie) => /stakebts=/u.test(cookie))) };
}

const right = { name: "anna", password: PASSWORD };

describe("signing in", () => {
  test("gives a browser a token that no script reads and no other site sends, and the database its digest alone", async ({
    console,
  }) => {
    await console.addUser("anna", "operator");
    const { answer, cookie } = await signIn(console, { ...right, next: "/queues?x=1" });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe("/queues?x=1");
    expect(cookiesOf(answer).find((text) => text.startsWith("stakebts="))).toMatch(
      /^stakebts=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/u,
    );
    const page = await console.get("/", { cookie, csrf: "" });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("anna");
    expect((await console.receipts("console.signed_in"))[0]).toMatchObject({
      subject: "anna",
      details: { address: "192.0.2.1" },
    });
  });

  test("is refused for a body that is no form, and for a host that is none, and neither is an error of ours", async ({
    console,
  }) => {
    const answer = await console.send("POST", "/login", undefined, {
      body: "--x\r\nnothing",
      headers: { origin: HERE, "content-type": "multipart/form-data" },
    });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("out of date");
    // As a socket brings it; a Request cannot be made of it.
    const raw = { method: "GET", url: "http://console.0.1/", headers: new Headers() } as unknown as Request;
    expect((await console.app.fetch(raw)).status).toBe(400);
  });

  test("sends a browser to the form and back, and nowhere else", async ({ console }) => {
    const answer = await console.get("/payouts/x/requeue?a=b", undefined, { accept: "text/html,*/*" });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe("/login?next=%2Fpayouts%2Fx%2Frequeue%3Fa%3Db");
    for (const path of [
      "//elsewhere.example",
      "/\\elsewhere.example",
      "https://elsewhere.example/",
      "javascript:1",
      "",
      "/login",
    ])
      expect(nextPath(path)).toBe("/");
  });

  test("says the same for a wrong password, an unknown name, a disabled user and a name that is none", async ({
    console,
  }) => {
    await console.addUser("anna", "operator");
    await console.addUser("gone", "operator");
    await console.access.setDisabled("gone", true, {
      event: "console.user_disabled",
      subject: "gone",
      details: {},
    });
    const texts = new Set<string>();
    for (const given of [
      { name: "anna", password: "not the password" },
      { name: "unknown", password: PASSWORD },
      { name: "gone", password: PASSWORD },
      { name: "'; DROP TABLE receipt; --", password: "" },
    ]) {
      const { answer, cookie } = await signIn(console, given);
      expect(answer.status).toBe(401);
      expect(cookie).toBe("");
      texts.add((await answer.text()).replaceAll(/value="[^"]*"/gu, ""));
    }
    expect(texts.size).toBe(1);
    const refused = await console.receipts("console.sign_in_refused");
    expect(refused.map(({ subject }) => subject)).toEqual(["anna", "unknown", "unknown", "unknown"]);
    expect(JSON.stringify(refused, (_, v: unknown) => (typeof v === "bigint" ? `${v}` : v))).not.toContain(
      "password",
    );
  });

  test("is refused from a form that another browser loaded, and from another site", async ({ console }) => {
    await console.addUser("anna", "operator");
    const csrf = /name="csrf" value="([^"]+)"/u.exec(await (await console.get("/login")).text())?.[1] ?? "";
    const other = pair(cookiesOf(await console.get("/login"))[0]);
    const body = new URLSearchParams({ csrf, ...right });
    for (const headers of [
      { origin: HERE, cookie: other },
      { origin: HERE },
      { origin: "http://elsewhere.example", cookie: `stakebts_form=${csrf}` },
    ]) {
      const { status } = await console.send("POST", "/login", undefined, {
        body,
        headers: headers as HeadersInit,
      });
      expect(status).toBe(403);
    }
  });

  test("stops listening after ten wrong passwords for one name, also when they come at the same time", async ({
    console,
  }) => {
    await console.addUser("anna", "operator");
    const tries = Array.from({ length: 14 }, () => signIn(console, { name: "anna", password: "guess" }));
    const statuses = (await Promise.all(tries)).map(({ answer }) => answer.status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([...Array<number>(10).fill(401), ...Array<number>(4).fill(429)]);
    const { answer } = await signIn(console, right);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(60);
    // One receipt says so, however many tries follow.
    expect(await console.receipts("console.sign_in_throttled")).toHaveLength(1);
    expect(await console.receipts("console.sign_in_refused")).toHaveLength(10);
  });

  test("stops listening to one address that tries many names", async ({ console }) => {
    const statuses: number[] = [];
    const tries = Array.from({ length: 33 }, (_, n) =>
      signIn(console, { name: `name-${n}`, password: "guess" }),
    );
    for (const { answer } of await Promise.all(tries)) statuses.push(answer.status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
  });

  test("behind https the cookie is for https and for this host alone", async ({ cluster, databaseUrl }) => {
    const console = await ConsoleEnvironment.open(cluster, databaseUrl, {
      origin: "https://console.example.org",
    });
    try {
      await console.addUser("anna", "viewer");
      const { answer } = await signIn(console, right, {
        origin: "https://console.example.org",
        "x-forwarded-for": "203.0.113.9, 198.51.100.7",
      });
      expect(cookiesOf(answer).find((text) => text.includes("Host-stakebts="))).toMatch(
        /^__Host-stakebts=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/u,
      );
      expect(answer.headers.get("strict-transport-security")).toMatch(/max-age/u);
      expect((await console.receipts("console.signed_in"))[0]?.details).toEqual({ address: "198.51.100.7" });
    } finally {
      await console.close();
    }
  });
});

describe("a session", () => {
  test("ends when its user goes, and the token is worth nothing afterwards", async ({ console }) => {
    const visitor = await console.visitor("viewer");
    const answer = await console.post("/logout", {}, visitor);
    expect(answer.status).toBe(303);
    expect(answer.headers.getSetCookie().join()).toMatch(/stakebts=;.*Max-Age=0/u);
    expect((await console.get("/", visitor)).status).toBe(401);
    expect(await console.receipts("console.signed_out")).toHaveLength(1);
  });

  test("ends half an hour after the last request", async ({ console }) => {
    const visitor = await console.visitor("viewer");
    for (let n = 0; n < 3; n++) {
      console.nowMs += 29 * 60_000;
      expect((await console.get("/", visitor)).status).toBe(200);
    }
    console.nowMs += 31 * 60_000;
    expect((await console.get("/", visitor)).status).toBe(401);
  });

  test("ends after twelve hours, however busy it is", async ({ console }) => {
    const visitor = await console.visitor("viewer");
    for (let n = 0; n < 28; n++) {
      console.nowMs += 25 * 60_000;
      expect((await console.get("/", visitor)).status).toBe(200);
    }
    console.nowMs += 25 * 60_000;
    expect((await console.get("/", visitor)).status).toBe(401);
  });

  test("ends at once when its user is disabled or gets another password", async ({ console }) => {
    const [viewer, operator] = [await console.visitor("viewer"), await console.visitor("operator")];
    const receipt = { event: "console.changed", subject: "x", details: {} };
    await console.access.setDisabled("a-viewer", true, receipt);
    await console.access.setPassword("a-operator", "$scrypt$other", receipt);
    expect((await console.get("/", viewer)).status).toBe(401);
    expect((await console.get("/", operator)).status).toBe(401);
  });
});
