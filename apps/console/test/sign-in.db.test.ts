import { describe, expect } from "vitest";
import { nextPath } from "../src/sign-in.ts";
import { Desk, HERE, PASSWORD, test } from "./console-bench.ts";

const cookiesOf = (answer: Response): readonly string[] => answer.headers.getSetCookie();
const pair = (cookie: string | undefined): string => cookie?.split(";", 1)[0] ?? "";

/** As a browser does it: the form first, then what it asks for. */
async function signIn(
  desk: Desk,
  given: { name: string; password: string; next?: string },
  headers: Record<string, string> = {},
): Promise<{ answer: Response; cookie: string }> {
  const shown = await desk.get("/login");
  const formCookie = pair(cookiesOf(shown)[0]);
  const csrf = /name="csrf" value="([^"]+)"/u.exec(await shown.text())?.[1] ?? "";
  const answer = await desk.send("POST", "/login", undefined, {
    body: new URLSearchParams({ csrf, ...given }),
    headers: { origin: HERE, cookie: formCookie, ...headers },
  });
  return { answer, cookie: pair(cookiesOf(answer).find((cookie) => /stakebts=/u.test(cookie))) };
}

const right = { name: "anna", password: PASSWORD };

describe("signing in", () => {
  test("gives a browser a token that no script reads and no other site sends, and the database its digest alone", async ({
    desk,
  }) => {
    await desk.addUser("anna", "operator");
    const { answer, cookie } = await signIn(desk, { ...right, next: "/queues?x=1" });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe("/queues?x=1");
    expect(cookiesOf(answer).find((text) => text.startsWith("stakebts="))).toMatch(
      /^stakebts=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/u,
    );
    const page = await desk.get("/", { cookie, csrf: "" });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("anna");
    expect((await desk.receipts("console.signed_in"))[0]).toMatchObject({
      subject: "anna",
      details: { address: "192.0.2.1" },
    });
  });

  test("is refused for a body that is no form, and for a host that is none, and neither is an error of ours", async ({
    desk,
  }) => {
    const answer = await desk.send("POST", "/login", undefined, {
      body: "--x\r\nnothing",
      headers: { origin: HERE, "content-type": "multipart/form-data" },
    });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("out of date");
    // As a socket brings it; a Request cannot be made of it.
    const raw = { method: "GET", url: "http://console.0.1/", headers: new Headers() } as unknown as Request;
    expect((await desk.app.fetch(raw)).status).toBe(400);
  });

  test("sends a browser to the form and back, and nowhere else", async ({ desk }) => {
    const answer = await desk.get("/payouts/x/requeue?a=b", undefined, { accept: "text/html,*/*" });
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
    desk,
  }) => {
    await desk.addUser("anna", "operator");
    await desk.addUser("gone", "operator");
    await desk.access.setDisabled("gone", true, {
      event: "console.user_disabled",
      subject: "gone",
      details: {},
    });
    const texts = new Set<string>();
    for (const given of [
      { name: "anna", password: "not the password" },
      { name: "nobody", password: PASSWORD },
      { name: "gone", password: PASSWORD },
      { name: "'; DROP TABLE receipt; --", password: "" },
    ]) {
      const { answer, cookie } = await signIn(desk, given);
      expect(answer.status).toBe(401);
      expect(cookie).toBe("");
      texts.add((await answer.text()).replaceAll(/value="[^"]*"/gu, ""));
    }
    expect(texts.size).toBe(1);
    const refused = await desk.receipts("console.sign_in_refused");
    expect(refused.map(({ subject }) => subject)).toEqual(["anna", "unknown", "unknown", "unknown"]);
    expect(JSON.stringify(refused, (_, v: unknown) => (typeof v === "bigint" ? `${v}` : v))).not.toContain(
      "password",
    );
  });

  test("is refused from a form that another browser loaded, and from another site", async ({ desk }) => {
    await desk.addUser("anna", "operator");
    const csrf = /name="csrf" value="([^"]+)"/u.exec(await (await desk.get("/login")).text())?.[1] ?? "";
    const other = pair(cookiesOf(await desk.get("/login"))[0]);
    const body = new URLSearchParams({ csrf, ...right });
    for (const headers of [
      { origin: HERE, cookie: other },
      { origin: HERE },
      { origin: "http://elsewhere.example", cookie: `stakebts_form=${csrf}` },
    ]) {
      const { status } = await desk.send("POST", "/login", undefined, {
        body,
        headers: headers as HeadersInit,
      });
      expect(status).toBe(403);
    }
  });

  test("stops listening after ten wrong passwords for one name, also when they come at the same time", async ({
    desk,
  }) => {
    await desk.addUser("anna", "operator");
    const tries = Array.from({ length: 14 }, () => signIn(desk, { name: "anna", password: "guess" }));
    const statuses = (await Promise.all(tries)).map(({ answer }) => answer.status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([...Array<number>(10).fill(401), ...Array<number>(4).fill(429)]);
    const { answer } = await signIn(desk, right);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(60);
    // One receipt says so, however many tries follow.
    expect(await desk.receipts("console.sign_in_throttled")).toHaveLength(1);
    expect(await desk.receipts("console.sign_in_refused")).toHaveLength(10);
  }, 60_000);

  test("stops listening to one address that tries many names", async ({ desk }) => {
    const statuses: number[] = [];
    const tries = Array.from({ length: 33 }, (_, n) =>
      signIn(desk, { name: `name-${n}`, password: "guess" }),
    );
    for (const { answer } of await Promise.all(tries)) statuses.push(answer.status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
  }, 60_000);

  test("behind https the cookie is for https and for this host alone", async ({ office, databaseUrl }) => {
    const desk = await Desk.open(office, databaseUrl, { origin: "https://console.example.org" });
    try {
      await desk.addUser("anna", "viewer");
      const { answer } = await signIn(desk, right, {
        origin: "https://console.example.org",
        "x-forwarded-for": "203.0.113.9, 198.51.100.7",
      });
      expect(cookiesOf(answer).find((text) => text.includes("Host-stakebts="))).toMatch(
        /^__Host-stakebts=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/u,
      );
      expect(answer.headers.get("strict-transport-security")).toMatch(/max-age/u);
      expect((await desk.receipts("console.signed_in"))[0]?.details).toEqual({ address: "198.51.100.7" });
    } finally {
      await desk.close();
    }
  });
});

describe("a session", () => {
  test("ends when its user goes, and the token is worth nothing afterwards", async ({ desk }) => {
    const visitor = await desk.visitor("viewer");
    const answer = await desk.post("/logout", {}, visitor);
    expect(answer.status).toBe(303);
    expect(answer.headers.getSetCookie().join()).toMatch(/stakebts=;.*Max-Age=0/u);
    expect((await desk.get("/", visitor)).status).toBe(401);
    expect(await desk.receipts("console.signed_out")).toHaveLength(1);
  });

  test("ends half an hour after the last request", async ({ desk }) => {
    const visitor = await desk.visitor("viewer");
    for (let n = 0; n < 3; n++) {
      desk.nowMs += 29 * 60_000;
      expect((await desk.get("/", visitor)).status).toBe(200);
    }
    desk.nowMs += 31 * 60_000;
    expect((await desk.get("/", visitor)).status).toBe(401);
  });

  test("ends after twelve hours, however busy it is", async ({ desk }) => {
    const visitor = await desk.visitor("viewer");
    for (let n = 0; n < 28; n++) {
      desk.nowMs += 25 * 60_000;
      expect((await desk.get("/", visitor)).status).toBe(200);
    }
    desk.nowMs += 25 * 60_000;
    expect((await desk.get("/", visitor)).status).toBe(401);
  });

  test("ends at once when its user is disabled or gets another password", async ({ desk }) => {
    const [viewer, operator] = [await desk.visitor("viewer"), await desk.visitor("operator")];
    const receipt = { event: "console.changed", subject: "x", details: {} };
    await desk.access.setDisabled("a-viewer", true, receipt);
    await desk.access.setPassword("a-operator", "$scrypt$other", receipt);
    expect((await desk.get("/", viewer)).status).toBe(401);
    expect((await desk.get("/", operator)).status).toBe(401);
  });
});
