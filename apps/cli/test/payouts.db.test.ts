import { payPayout } from "@stakebts/testkit/one-payout";
import type { PayoutId } from "@stakebts/core/rules/payout";
import { payoutId } from "@stakebts/core/ledger/ids";
import { describe, expect, vi } from "vitest";
import { test } from "./cli-test.ts";

// Each command is a process that starts in about a second, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

interface Answers {
  readonly answers: { readonly result: string; readonly status: string }[];
}

describe("payouts requeue", () => {
  test("pays a failed payout once, however often it is given, and its receipts say who and why", async ({
    cluster,
    stakebts,
  }) => {
    const key = await cluster.failedRefund();
    expect(await stakebts("payouts", "failed")).toMatchObject({ code: 1, out: expect.stringContaining(key) });
    const requeue = () => stakebts("payouts", "requeue", key, "--reason", "funds arrived");
    const first = await requeue();
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toBe(
      `done      ${key} (450 BTS to nominator-1): failed → ready: the payer makes one more attempt\n`,
    );
    expect((await requeue()).out).toContain("unchanged");
    await cluster.work();
    expect(await requeue()).toMatchObject({ code: 0, out: expect.stringContaining("is paid already") });
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect(await stakebts("payouts", "failed")).toMatchObject({ code: 0 });
    expect(await stakebts.json("receipts", "--event", "payout.requeued")).toMatchObject({
      total: 1,
      receipts: [
        { subject: key, details: { actor: "operator-1", reason: "funds arrived", because: "no funds" } },
      ],
    });
  });

  test("prints a link to the console where its address is set, and to nothing else", async ({
    cluster,
    stakebts,
  }) => {
    const key = await cluster.failedRefund();
    const with_ = stakebts.with({ STAKEBTS_CONSOLE_ORIGIN: "https://console.example.org" });
    const link = `https://console.example.org/payouts/${key}`;
    expect((await with_("payouts", "show", key)).out).toContain(link);
    expect((await with_("payouts", "hold", key, "--reason", "why?")).out).toContain(link);
    expect((await with_("status")).out).toContain("https://console.example.org/\n");
    expect((await stakebts("payouts", "show", key)).out).not.toContain("https:");
  });

  test("given by many operators at once while payers pay, pays it once", async ({ cluster, stakebts }) => {
    const key = await cluster.failedRefund();
    const id = payoutId(key as never) as PayoutId;
    const payers = [await cluster.newPayer(), await cluster.newPayer()];
    let commands = 6;
    const operators = Array.from({ length: commands }, (_, n) =>
      stakebts("payouts", "requeue", key, "--reason", `operator ${n}`, "--actor", `operator-${n}`).finally(
        () => commands--,
      ),
    );
    // Two payers try all the while, and while nothing is signed yet it fails again and again.
    let failures = 0;
    while (commands > 0) {
      await cluster.ledger.transaction(async (tx) => {
        if (failures < 3 && (await tx.payouts.move(id, ["ready"], "failed", { reason: "again" }))) failures++;
      });
      await Promise.all(payers.map((payer) => payPayout(payer, id)));
      await cluster.devnet.produce();
      await cluster.ingest();
    }
    const answers = await Promise.all(operators);
    expect(answers.filter(({ out }) => out.startsWith("done")).length).toBeGreaterThan(0);
    for (const payer of payers) await payPayout(payer, id);
    await stakebts("payouts", "requeue", key, "--reason", "the last word");
    for (const payer of payers) await payPayout(payer, id);
    await cluster.digest();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect(await stakebts.json("payouts", "show", key)).toMatchObject({ status: "confirmed" });
  });

  test("refuses with the reason while a withdrawal is alive", async ({ cluster, stakebts }) => {
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    const { payouts } = await stakebts.json<{ payouts: { key: string; id: string }[] }>("payouts", "list");
    const [payout] = payouts;
    await cluster.pay(payout?.id as PayoutId);
    const refused = await stakebts("payouts", "requeue", payout?.id ?? "", "--reason", "impatient");
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/^refused {3}refund:\d+:0:0 .* its withdrawal [0-9a-f]{40} is alive until/u);
    expect(refused.out).toContain("→ wait");
    expect((await stakebts("payouts", "cancel", payout?.key ?? "", "--reason", "impatient")).code).toBe(1);
    expect((await stakebts("payouts", "hold", payout?.key ?? "", "--reason", "impatient")).code).toBe(1);
    await cluster.digest();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
  });

  test("of all that failed asks first, shows what it would do, and then does all of it", async ({
    cluster,
    stakebts,
  }) => {
    await cluster.failedRefund("nominator-1");
    await cluster.failedRefund("nominator-2");
    const all = ["payouts", "requeue", "--all", "--status", "failed"] as const;
    const asked = await stakebts(...all, "--reason", "funds arrived");
    expect(asked).toMatchObject({ code: 2, out: "" });
    expect(asked.err).toContain("requeue 2 payout(s), 900 BTS in all?");
    const dry = await stakebts(...all, "--dry-run");
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.out).toContain("would go from failed to ready");
    expect((await stakebts.json<{ total: number }>("payouts", "failed")).total).toBe(2);
    const one = await stakebts.json<Answers>(
      ...all,
      "--payee",
      "nominator-2",
      "--reason",
      "funds arrived",
      "--yes",
    );
    expect(one.answers).toMatchObject([{ result: "done", status: "ready" }]);
    const rest = await stakebts(...all, "--reason", "funds arrived", "--yes");
    expect(rest.code).toBe(0);
    expect(await stakebts(...all, "--reason", "funds arrived", "--yes")).toMatchObject({
      code: 0,
      err: "nothing to do: no payout fits\n",
    });
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect(await cluster.arrivedAt("nominator-2")).toEqual([450]);
  });

  test("says that nothing is paid while payments are off", async ({ cluster, stakebts }) => {
    const key = await cluster.failedRefund();
    expect((await stakebts("payments", "off", "--reason", "drill")).code).toBe(0);
    expect(await stakebts("payouts", "requeue", key, "--reason", "again")).toMatchObject({
      code: 0,
      err: "payments are off (drill): nothing is paid until `stakebts payments on`\n",
    });
  });
});

describe("payouts hold, release and cancel", () => {
  test("keep a payout back, let it go, and take it back for good", async ({ cluster, stakebts }) => {
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.send("nominator-2", 500n, "what is this");
    await cluster.digest();
    const { payouts } = await stakebts.json<{ payouts: { key: string; payee: string }[] }>("payouts", "list");
    const keyOf = (payee: string) => payouts.find((payout) => payout.payee === payee)?.key ?? "";
    const [one, two] = [keyOf("nominator-1"), keyOf("nominator-2")];
    const held = await stakebts("payouts", "hold", one, two, "--reason", "who is this?");
    expect(held).toMatchObject({ code: 0, out: expect.stringContaining("2 done, 0 unchanged, 0 refused") });
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
    expect((await stakebts("payouts", "failed")).out).toContain("who is this?");
    expect((await stakebts("payouts", "cancel", two, "--reason", "paid by hand")).out).toContain(
      "cancelled for good",
    );
    expect((await stakebts("payouts", "cancel", two, "--reason", "paid by hand")).out).toContain("unchanged");
    expect((await stakebts("payouts", "release", "--all", "--reason", "known", "--yes")).code).toBe(0);
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect(await cluster.arrivedAt("nominator-2")).toEqual([]);
    const again = await stakebts("payouts", "requeue", two, "--reason", "changed my mind");
    expect(again).toMatchObject({ code: 1, out: expect.stringContaining("that is final: paid by hand") });
  });
});

describe("payments", () => {
  test("go off and on once each, with the reason that is remembered", async ({ cluster, stakebts }) => {
    expect((await stakebts("payments", "on", "--reason", "x")).out).toBe(
      "payments are on already: nothing was changed\n",
    );
    expect((await stakebts("payments", "off", "--reason", "strange transfer")).code).toBe(0);
    expect((await stakebts("payments", "off", "--reason", "again")).out).toBe(
      "payments are off already: strange transfer\n",
    );
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
    expect((await stakebts("status")).out).toContain("off: strange transfer");
    expect((await stakebts("payments", "on", "--reason", "all is well")).out).toContain(
      "they were off because: strange transfer",
    );
    expect(await stakebts.json<{ total: number }>("receipts", "--event", "payments.*")).toMatchObject({
      total: 2,
    });
  });
});
