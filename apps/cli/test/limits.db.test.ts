import { describe, expect, vi } from "vitest";
import { test } from "./cli-test.ts";

vi.setConfig({ testTimeout: 90_000 });

describe("limits", () => {
  test("are none at first, are set by name and reason, and stay on record", async ({ stakebts }) => {
    expect((await stakebts("limits")).out).toMatch(/per payment +none\nper hour +none\nper day +none\n/u);
    const set = (...given: string[]) => stakebts("limits", "set", ...given, "--reason", "first limits");
    expect(await set("--per-hour", "2000", "--approval-from", "450")).toMatchObject({ code: 0 });
    expect((await set("--per-hour", "2000")).out).toContain("nothing was changed");
    expect((await set("--per-hour", "none", "--per-day", "5000")).out).toMatch(
      /per hour +none\nper day +5,000 BTS\nreturned\/hour +as per hour, counted apart\n.*\napproval from +450 BTS/u,
    );
    expect((await stakebts("status")).out).toMatch(/limits +5,000 per day, approval from 450/u);
    for (const wrong of ["0", "-1", "1.5", "1e9", "12345678901", "all"])
      expect(await set("--per-day", wrong), wrong).toMatchObject({ code: 2 });
    expect(await set()).toMatchObject({ code: 2, err: expect.stringContaining("which limit?") });
    expect(await stakebts("limits", "set", "--per-day", "7")).toMatchObject({ code: 2 });
    expect(await stakebts.json("receipts", "--event", "limits.set")).toMatchObject({
      total: 2,
      receipts: [
        {
          details: {
            actor: "operator-1",
            reason: "first limits",
            hourCap: null,
            hourCapWas: "2000",
            dayCap: "5000",
          },
        },
        { details: { hourCap: "2000", approvalFrom: "450" } },
      ],
    });
  });
});

describe("payouts approve", () => {
  test("is for another person than the one who requeued it, and lets it be paid once", async ({
    cluster,
    stakebts,
  }) => {
    const key = await cluster.failedRefund();
    await stakebts("limits", "set", "--approval-from", "450", "--reason", "four eyes");
    await stakebts("payouts", "requeue", key, "--reason", "account exists now", "--actor", "one");
    await cluster.work();
    expect((await stakebts("payouts", "failed")).out).toMatch(
      /held +– +payments from 450 BTS on need the approval of a second person/u,
    );
    expect((await stakebts("status")).out).toMatch(/limited +1 payment\(s\) of 450 BTS wait for approval/u);
    expect((await stakebts("doctor")).out).toMatch(/problem +limits +1 payment\(s\) of 450 BTS/u);
    await stakebts("payouts", "release", key, "--reason", "it is right", "--actor", "one");
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([]);

    const approve = (...more: string[]) =>
      stakebts("payouts", "approve", key, "--reason", "compared with the chain", ...more);
    expect(await approve("--actor", "One")).toMatchObject({
      code: 1,
      out: expect.stringMatching(/refused .*One has given it to the payer[^]*let another person/u),
    });
    expect((await approve("--actor", "two", "--dry-run")).out).toContain("would be approved");
    expect(await approve("--actor", "two")).toMatchObject({
      code: 0,
      out: expect.stringContaining("approved; held → ready"),
    });
    await cluster.work();
    expect(await approve("--actor", "two")).toMatchObject({
      code: 1,
      out: expect.stringContaining("is confirmed"),
    });
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect((await stakebts("payouts", "show", key)).out).toMatch(
      /approved +by two: compared with the chain/u,
    );
    expect(await stakebts("payouts", "approve", "refund:1:0:0", "--reason", "x")).toMatchObject({
      code: 1,
      out: expect.stringContaining("there is no such payout"),
    });
  });

  test("releases nothing that a person has held", async ({ cluster, stakebts }) => {
    const key = await cluster.failedRefund();
    await stakebts("payouts", "requeue", key, "--reason", "again", "--actor", "one");
    await stakebts("payouts", "hold", key, "--reason", "wait for me", "--actor", "one");
    const answer = await stakebts("payouts", "approve", key, "--reason", "fine", "--actor", "two");
    expect(answer.out).toMatch(/approved; it stays held[^]*payouts release/u);
    expect((await stakebts("payouts", "failed")).out).toContain("wait for me");
  });
});

describe("freeze", () => {
  test("stops everything, says so wherever one looks, and ends with a reason", async ({
    cluster,
    stakebts,
  }) => {
    expect(await stakebts("freeze", "--reason", "a key may be stolen")).toMatchObject({
      code: 0,
      out: "frozen: all\n  all by operator: a key may be stolen\n",
    });
    expect((await stakebts("freeze", "pay-nothing", "--reason", "again")).out).toContain(
      "nothing was changed",
    );
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.send("nominator-2", 25_000n, "three_months");
    await cluster.digest();
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
    expect(await stakebts.json("agreements")).toMatchObject({ total: 0 });
    const status = (await stakebts("status")).out;
    expect(status).toMatch(/payments +off: a key may be stolen/u);
    expect(status).toMatch(/nominations +not answered: a key may be stolen/u);
    expect((await stakebts("doctor")).out).toMatch(
      /problem +freeze +all by operator: a key may be stolen\n +→ when the reason is gone: `stakebts unfreeze/u,
    );

    await cluster.ledger.transaction(async (tx) => {
      const reason = "the manager dls.cipher has frozen it";
      await tx.control.addFreeze({ source: "manager", level: "all", reason });
      await tx.control.reportFreezes("payer", [
        { source: "file", level: "pay-nothing", reason: "the file /run/freeze is there" },
      ]);
    });
    expect((await stakebts("payments", "on", "--reason", "looked")).out).toMatch(
      /payments are on again[^]*still frozen:\n {2}all by manager: the manager[^]*pay-nothing by file of the payer: the file/u,
    );
    expect((await stakebts("unfreeze", "accept-nothing", "--reason", "places are free")).out).toMatch(
      /unfrozen; it was:[^]*still frozen:\n {2}pay-nothing by manager/u,
    );
    await cluster.digest();
    expect(await stakebts.json("agreements")).toMatchObject({ total: 1 });
    expect((await stakebts("unfreeze", "--reason", "all is well")).out).toMatch(
      /still frozen:\n {2}pay-nothing by file of the payer/u,
    );
    await cluster.ledger.transaction((tx) => tx.control.reportFreezes("payer", []));
    expect((await stakebts("unfreeze", "--reason", "all is well")).out).toBe(
      "nothing of that was frozen here\n",
    );
    expect((await stakebts("doctor")).out).toMatch(/ok +freeze +nothing is frozen/u);
    await cluster.ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs: 0, limit: 10 });
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect(await stakebts("freeze", "some", "--reason", "x")).toMatchObject({ code: 2 });
    expect(await stakebts("freeze")).toMatchObject({ code: 2 });
  });
});
