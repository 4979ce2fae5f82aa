import { expect, it } from "vitest";
import { repinned } from "./pin.ts";

it("writes for each pinned tag the digest that it names now, and leaves what is not pinned", async () => {
  const old = `sha256:${"0".repeat(64)}`;
  const now = `sha256:${"a".repeat(64)}`;
  const text = `ARG A=node:24.1.0-slim@${old}\nimage: \${R:-redis:7.4@${old}}\nimage: prom/prometheus:v3.5.0\n`;
  const asked: string[] = [];
  const after = await repinned(text, async (image) => {
    asked.push(image);
    return now;
  });
  expect(asked).toEqual(["node:24.1.0-slim", "redis:7.4"]);
  expect(after).toBe(text.replaceAll(old, now));
});
