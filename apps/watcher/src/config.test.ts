import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@stakebts/testkit/temporary-folder";
import { describe, expect, it, vi } from "vitest";
import { readPolicy } from "./config.ts";

describe("the policy of a watcher that runs", () => {
  it("is that of its file as it is now, and one that is wrong is said", () => {
    const folder = temporaryFolder("policy-");
    const path = join(folder, "policy.yaml");
    vi.stubEnv("STAKEBTS_POLICY", path);
    try {
      for (const fee of [50, 70]) {
        writeFileSync(path, `invalid_request_fee: ${fee}\n`);
        expect(readPolicy().invalid_request_fee).toBe(BigInt(fee));
      }
      writeFileSync(path, "invalid_request_fee: much\n");
      expect(() => readPolicy()).toThrow("STAKEBTS_POLICY");
    } finally {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    }
  });
});
