import { wifFromSeed } from "@stakebts/devnet";
import { describe, expect, it } from "vitest";
import { secretKey, secretsIn } from "./secret-search.ts";

const ACTIVE = wifFromSeed("custodian-active");

describe("the search", () => {
  it.each(["utf8", "hex", "base64", "base64url"] as const)(
    "finds a key that is written as %s inside of something",
    (form) => {
      const wallet = secretKey("key", ACTIVE);
      for (const before of ["", "a", "ab", "abc"]) {
        const text = Buffer.from(`${before}${ACTIVE} and more`).toString(form);
        expect(secretsIn(`{"x":"${text}"}`, [wallet]), before).toEqual(["key"]);
      }
      expect(secretsIn("nothing", [wallet])).toEqual([]);
    },
  );
});
