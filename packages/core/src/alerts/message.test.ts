import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import type { Alert, RecentNotification } from "./notification.ts";
import { alertName, alertNameOf, planMessages, WINDOW_MS } from "./message.ts";

const NOW = 1_800_000_000_000;
const nothing: RecentNotification = { lastMessageMs: new Map(), told: new Set() };
const alert = (id: number, change: Partial<Alert> = {}): Alert => ({
  receiptId: BigInt(id),
  event: "payout.failed",
  subject: `refund:${id}:0:0`,
  chainTimeMs: undefined,
  details: { reason: "no funds" },
  ...change,
});
const plan = (alerts: readonly Alert[], lately = nothing) =>
  planMessages(alerts, lately, { nowMs: NOW, installation: "stakebts" });
const told = (...alerts: Alert[]): RecentNotification => ({
  lastMessageMs: new Map(),
  told: new Set(alerts.map((a) => alertName(alertNameOf(a)))),
});

describe("alerts", () => {
  it("of one kind are one message, which lists the first few and counts the rest", () => {
    const { messages } = plan(Array.from({ length: 100 }, (_, i) => alert(i + 1)));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ event: "payout.failed", count: 100 });
    expect(messages[0]?.title).toBe("stakebts: payout.failed (100 times)");
    expect(messages[0]?.text).toContain("- refund:1:0:0: no funds\n");
    expect(messages[0]?.text).toContain("- and 95 more\n");
  });

  it("of another kind are another message", () => {
    const { messages } = plan([alert(1), alert(2, { event: "chain.disagrees" })]);
    expect(messages.map(({ event }) => event)).toEqual(["payout.failed", "chain.disagrees"]);
  });

  it("are kept for the next message when there was one of their kind within the last minute", () => {
    const lately = { ...nothing, lastMessageMs: new Map([["payout.failed", NOW - WINDOW_MS + 1]]) };
    expect(plan([alert(1)], lately)).toEqual({ messages: [], dealtWith: [] });
    const later = { ...nothing, lastMessageMs: new Map([["payout.failed", NOW - WINDOW_MS]]) };
    expect(plan([alert(1)], later).messages).toHaveLength(1);
  });

  it("do not wait for a clock that was set back", () => {
    const lately = { ...nothing, lastMessageMs: new Map([["payout.failed", NOW + 3_600_000]]) };
    expect(plan([alert(1)], lately).messages).toHaveLength(1);
  });

  it("that were told a short time before are passed over, unless they say something else now", () => {
    const before = alert(1, { subject: "custodian" });
    const again = alert(2, { subject: "custodian" });
    const changed = alert(3, { subject: "custodian", details: { reason: "another one" } });
    expect(plan([again], told(before))).toMatchObject({
      messages: [],
      dealtWith: [{ receiptId: 2n, messageId: undefined }],
    });
    expect(plan([changed], told(before)).messages).toHaveLength(1);
  });

  it("that say the same twice in one moment are told once", () => {
    const { messages, dealtWith } = plan([alert(1, { subject: "c" }), alert(2, { subject: "c" })]);
    expect(messages[0]?.count).toBe(1);
    expect(dealtWith).toHaveLength(2);
  });

  it("are the same in any order of what they say", () => {
    const one = alert(1, { details: { a: 1, b: 2 } });
    const other = alert(1, { details: { b: 2, a: 1 } });
    expect(alertNameOf(one)).toEqual(alertNameOf(other));
  });

  const alerts = fc
    .array(
      fc.record({
        event: fc.constantFrom("payout.failed", "payout.held", "treasury.short"),
        subject: fc.constantFrom("a", "b", "c"),
        reason: fc.constantFrom("x", "y"),
      }),
    )
    .map((list) =>
      list.map(({ event, subject, reason }, i) => alert(i + 1, { event, subject, details: { reason } })),
    );

  test.prop([alerts])(
    "are each dealt with once, and everything that is news is counted in a message",
    (list) => {
      const { messages, dealtWith } = plan(list);
      expect(dealtWith).toHaveLength(list.length);
      expect(new Set(dealtWith.map(({ receiptId }) => receiptId))).toEqual(
        new Set(list.map(({ receiptId }) => receiptId)),
      );
      const names = new Set(list.map((a) => alertName(alertNameOf(a))));
      expect(messages.reduce((sum, { count }) => sum + count, 0)).toBe(names.size);
      expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
    },
  );
});

describe("a message", () => {
  it("repeats nothing but what is known to be fit for it", () => {
    const { messages } = plan([
      alert(1, { details: { reason: "why", wif: "5Jsecret", memo: "private words", todo: "look" } }),
    ]);
    const all = JSON.stringify(messages);
    expect(all).toContain("to do: look");
    expect(all).not.toMatch(/5Jsecret|private words/u);
  });

  it("is plain text of bounded length, no matter what a node has said", () => {
    const hostile = `x\r\nBcc: everybody@example.org\u001b[31m\u202e${"y".repeat(100_000)}`;
    const { messages } = plan([alert(1, { details: { reason: hostile } })]);
    expect(messages[0]?.title).not.toMatch(/[\r\n]/u);
    expect(messages[0]?.text.length).toBeLessThan(1_000);
    // oxlint-disable-next-line no-control-regex -- they are what must not be there
    expect(messages[0]?.text).not.toMatch(/[\r\u001b\u202e]/u);
    expect(messages[0]?.text.split("\n")).toHaveLength(2);
  });
});
