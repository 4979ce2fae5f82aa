import { describe, expect } from "vitest";
import { LedgerListener } from "../src/ledger-listener.ts";
import { test } from "./console-environment.ts";

describe("a page that is open", () => {
  test("is told when the ledger has changed, by whichever process", async ({
    cluster,
    console,
    databaseUrl,
  }) => {
    const viewer = await console.visitor("viewer");
    const listener = new LedgerListener({ url: databaseUrl, changes: console.changes });
    await listener.listen();
    const answer = await console.get("/live", viewer);
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain("event: here");
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add([{ event: "test.happened", subject: "test", details: {} }]),
    );
    expect((await reader?.read())?.value).toContain("event: changed");
    await reader?.cancel();
    await listener.close();
    await expect.poll(() => console.changes.listeners).toBe(0);
  });

  test("is told again when the session to the database was lost and is there again", async ({
    console,
    databaseUrl,
  }) => {
    const listener = new LedgerListener({ url: databaseUrl, changes: console.changes });
    await listener.listen();
    const before = console.changes.count;
    const heard = new Promise<void>((resolve) => console.changes.listen(resolve));
    await listener.close();
    await listener.listen();
    await heard;
    expect(console.changes.count).toBeGreaterThan(before);
    await listener.close();
  });
});
