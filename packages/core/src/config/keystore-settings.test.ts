import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { encryptKeystore } from "./keystore.ts";
import { readEnvironment } from "./environment.ts";
import { schemaOf } from "./process-settings.ts";

const WIF = "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3";
const folder = mkdtempSync(join(tmpdir(), "stakebts-keystore-"));
const path = join(folder, "payer.keystore");
writeFileSync(path, encryptKeystore({ active: WIF, memo: [WIF] }, "a password of some length"));
afterAll(() => rmSync(folder, { recursive: true }));

const payer = schemaOf("payer", ["STAKEBTS_ACTIVE_KEY", "STAKEBTS_MEMO_KEY"]);
const keystore = {
  STAKEBTS_KEYSTORE: path,
  STAKEBTS_KEYSTORE_PASSWORD: "a password of some length",
};

describe("keys from a keystore", () => {
  it("stand for the settings that a process asks for, and for no others", () => {
    expect(readEnvironment(payer, keystore)).toEqual({ STAKEBTS_ACTIVE_KEY: WIF, STAKEBTS_MEMO_KEY: [WIF] });
    const scheduler = schemaOf("scheduler", ["LOG_LEVEL"]);
    expect(readEnvironment(scheduler, keystore)).toEqual({ LOG_LEVEL: "info" });
  });

  it("and a key beside them are one too many", () => {
    const both = { ...keystore, STAKEBTS_ACTIVE_KEY: WIF };
    expect(() => readEnvironment(payer, both)).toThrow(
      /STAKEBTS_ACTIVE_KEY and STAKEBTS_KEYSTORE are both set/u,
    );
  });

  it("are refused with one line that says what is wrong", () => {
    const message = (environment: Record<string, string>): string => {
      try {
        readEnvironment(payer, environment);
      } catch (error) {
        return (error as Error).message;
      }
      return "nothing was wrong";
    };
    const { STAKEBTS_KEYSTORE } = keystore;
    expect(message({ ...keystore, STAKEBTS_KEYSTORE_PASSWORD: "another" })).toMatch(
      /in 1 place\(s\):\n {2}STAKEBTS_KEYSTORE: the password does not open/u,
    );
    expect(message({ STAKEBTS_KEYSTORE })).toMatch(/STAKEBTS_KEYSTORE_PASSWORD is not set/u);
    expect(message({ ...keystore, STAKEBTS_KEYSTORE: join(folder, "none") })).toMatch(
      /cannot read .* \(ENOENT\)/u,
    );
  });
});
