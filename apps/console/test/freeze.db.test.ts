import type { PayoutKey } from "@stakebts/core/rules/payout";
import { payoutId } from "@stakebts/core/ledger/ids";
import { setLimits } from "@stakebts/core/limits/set-limits";
import { bts } from "@stakebts/kernel/amount";
import { describe, expect } from "vitest";
import { test } from "./console-environment.ts";

const action = { id: "1", actor: "clara", reason: "test" };
/** As a reader sees it. */
const textOf = async (answer: Response): Promise<string> =>
  (await answer.text()).replaceAll(/<[^>]+>/gu, " ").replaceAll(/\s+/gu, " ");

describe("the freeze page", () => {
  test("throws the switch and takes it back, with a reason and a name, and the overview says so", async ({
    console,
  }) => {
    const operator = await console.visitor("operator");
    expect(await textOf(await console.get("/freeze", operator))).toContain("Nothing is frozen");
    const post = (fields: Record<string, string>) => console.post("/freeze", fields, operator);
    expect((await post({ do: "freeze", level: "all", reason: " " })).status).toBe(400);
    expect((await post({ do: "freeze", level: "some", reason: "x" })).status).toBe(400);
    expect((await post({ do: "melt", level: "all", reason: "x" })).status).toBe(400);
    const done = await post({ do: "freeze", level: "all", reason: "strange <transfer>" });
    expect(await textOf(done)).toContain("all by operator: strange &lt;transfer&gt;");
    const overview = await textOf(await console.get("/", operator));
    expect(overview).toContain("Payments are off: strange &lt;transfer&gt;");
    expect(overview).toContain("Nominations are not answered: strange &lt;transfer&gt;");
    expect(await textOf(await post({ do: "freeze", level: "all", reason: "x" }))).toContain(
      "Nothing was changed",
    );
    expect(
      await textOf(await post({ do: "unfreeze", level: "all", reason: "looked", typed: "unfreeze" })),
    ).toContain("Nothing is frozen");
    expect(await console.receipts("freeze.begun")).toMatchObject([
      { subject: "operator", details: { actor: "a-operator", reason: "strange <transfer>", level: "all" } },
    ]);
    expect(await console.receipts("freeze.ended")).toMatchObject([
      { details: { actor: "a-operator", was: "all" } },
    ]);
  });

  test("shows what a process found in its file, and lets a viewer look and not act", async ({
    cluster,
    console,
  }) => {
    const viewer = await console.visitor("viewer");
    const found = { source: "file", level: "all", reason: "the file /run/freeze is there" } as const;
    await cluster.ledger.transaction((tx) => tx.control.reportFreezes("payer", [found]));
    const page = await textOf(await console.get("/freeze", viewer));
    expect(page).toContain("all by file of the payer: the file /run/freeze is there");
    expect(page).toContain("Freezing needs the role operator");
    expect(await textOf(await console.get("/", viewer))).toContain("The payer is frozen (all)");
    const post = await console.post("/freeze", { do: "freeze", level: "all", reason: "x" }, viewer);
    expect(post.status).toBe(403);
    expect((await cluster.ledger.control.read()).freezes).toEqual([]);
  });
});

describe("approving in the console", () => {
  test("lets a payout go that a limit holds, and not by the one who requeued it", async ({
    cluster,
    console,
  }) => {
    const key = await cluster.failedRefund();
    const path = `/payouts/${key}`;
    const operator = await console.visitor("operator");
    await setLimits(cluster, { change: { approvalFrom: bts(450n) }, action });
    expect(await textOf(await console.get(`${path}/approve`, operator))).toContain(
      "does not wait for an approval",
    );
    await cluster.ledger.transaction((tx) =>
      tx.payouts.move(payoutId(key as PayoutKey), ["failed"], "ready"),
    );
    await cluster.pay(payoutId(key as PayoutKey));
    expect(await (await console.get("/", operator)).text()).toContain(`href="${path}/approve"`);
    const asked = await textOf(await console.get(`${path}/approve`, operator));
    expect(asked).toContain("payments from 450 BTS on need the approval of a second person");
    expect((await console.post(`${path}/approve`, { reason: "" }, operator)).status).toBe(400);
    expect((await console.post("/payouts/x/approve", { reason: "x" }, operator)).status).toBe(404);
    const viewer = await console.visitor("viewer");
    expect((await console.post(`${path}/approve`, { reason: "x" }, viewer)).status).toBe(403);

    await console.post(`${path}/requeue`, { reason: "go", typed: "450" }, operator);
    await cluster.pay(payoutId(key as PayoutKey));
    const own = await console.post(`${path}/approve`, { reason: "fine", typed: "450" }, operator);
    expect(own.status).toBe(409);
    expect(await textOf(own)).toContain("a-operator has given it to the payer and cannot approve it as well");
    const { ledger } = cluster;
    const { approvePayout } = await import("@stakebts/core/limits/approve-payout");
    await approvePayout({ ledger }, { id: payoutId(key as PayoutKey), action });
    await cluster.pay(payoutId(key as PayoutKey));
    await cluster.digest();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    expect(await textOf(await console.get(`${path}/approve`, operator))).toContain("by clara: test");
  });
});
