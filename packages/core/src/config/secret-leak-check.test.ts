import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { secretLeaks, forgetSecrets } from "./secret-leak-check.ts";

const folder = mkdtempSync(join(tmpdir(), "exposure-"));
afterAll(() => rmSync(folder, { recursive: true }));
const SAFE = {
  limits: "Limit Soft Hard Units\nMax core file size        0      unlimited  bytes\n",
  nodeOptions: [],
};
const WORD = "5KGDzq6ujEJqkQUsp5YFpw21KndFQywaEyzrLPXq5qbz49mB79Q";
const what = (...args: Parameters<typeof secretLeaks>) =>
  secretLeaks(...args).map((one) => `${one.event}: ${one.what}`);

describe("a process says", () => {
  it("that it was given a secret of another process, and never what it is", () => {
    const environment = {
      DATABASE_URL: "postgresql://a:b@c/d",
      STAKEBTS_ACTIVE_KEY: WORD,
      STAKEBTS_MEMO_KEY: WORD,
      STAKEBTS_EXCHANGE_1_SECRET_FILE: "/run/secrets/exchange_1_secret",
      STAKEBTS_KEYSTORE: join(folder, "missing"),
      STAKEBTS_CUSTODIAN: "custodian",
      STAKEBTS_RESERVE_KEY: "",
    };
    expect(what("payer", environment, SAFE)).toEqual([]);
    expect(what("ingester", environment, SAFE)).toEqual([
      "secret.not_needed: STAKEBTS_ACTIVE_KEY is given to the ingester, which does not use it",
      "secret.not_needed: STAKEBTS_EXCHANGE_1_SECRET_FILE is given to the ingester, which does not use it",
    ]);
    for (const name of ["console", "scheduler"] as const) {
      const found = secretLeaks(name, environment, SAFE);
      expect(found).toHaveLength(4);
      expect(JSON.stringify(found)).not.toContain(WORD);
    }
  });

  it("that others can read the file of a secret, unless a container was given it", () => {
    const path = join(folder, "active_key");
    writeFileSync(path, WORD, { mode: 0o600 });
    const environment = { STAKEBTS_ACTIVE_KEY_FILE: path, STAKEBTS_KEYSTORE: path };
    expect(what("payer", environment, SAFE)).toEqual([]);
    for (const mode of [0o640, 0o604, 0o444]) {
      chmodSync(path, mode);
      expect(what("payer", environment, SAFE)).toEqual([
        "secret.file_open: the file of STAKEBTS_ACTIVE_KEY_FILE can be read by others than its owner",
        "secret.file_open: the file of STAKEBTS_KEYSTORE can be read by others than its owner",
      ]);
    }
    expect(what("payer", { STAKEBTS_ACTIVE_KEY_FILE: "/run/secrets/active_key" }, SAFE)).toEqual([]);
  });

  it("that its memory may end on a disk, or in a debugger", () => {
    const limits = "Max core file size        unlimited            unlimited            bytes";
    expect(what("payer", {}, { ...SAFE, limits })).toEqual([
      "secret.dump_possible: a core dump may be written, up to unlimited bytes: everything that is in memory",
    ]);
    const nodeOptions = ["--max-semi-space-size=2", "--report-on-fatalerror", "--inspect=0.0.0.0:9229"];
    expect(what("payer", {}, { ...SAFE, nodeOptions })).toEqual([
      "secret.dump_possible: Node is told to show what is in memory: --report-on-fatalerror --inspect",
    ]);
    expect(what("payer", {}, { limits: undefined, nodeOptions: [] })).toEqual([]);
  });
});

it("what was read is taken out of the environment, and nothing else", () => {
  const environment: Record<string, string | undefined> = {
    DATABASE_URL: "x",
    REDIS_URL: "x",
    STAKEBTS_ACTIVE_KEY: "x",
    STAKEBTS_EXCHANGE_1_SECRET: "x",
    STAKEBTS_KEYSTORE_PASSWORD: "x",
    STAKEBTS_NOTIFY_SLACK_URL: "x",
    STAKEBTS_EXCHANGE_URL: "x",
    PATH: "/bin",
    PGPASSWORD: "of libpq",
    STAKEBTS_POLICY: "policy.yaml",
  };
  forgetSecrets(environment);
  expect(Object.keys(environment)).toEqual(["PATH", "PGPASSWORD", "STAKEBTS_POLICY"]);
});
