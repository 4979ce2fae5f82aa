import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { policyOf } from "@stakebts/core/config/policy-file";
import { readEnvironment } from "@stakebts/core/config/environment";
import { schemaOf } from "@stakebts/core/config/process-settings";
import { MAINNET_CHAIN_ID } from "@stakebts/core/rules/policy";
import { StartupError } from "@stakebts/kernel/errors";
import { hostileValue, longText, mutateText, mutateTree } from "../mutate.ts";
import { type Input, rule, type Target } from "../target.ts";

const SCHEMA = schemaOf("stakebts", ["STAKEBTS_POLICY"]);

const VALID: { readonly [key: string]: Input } = {
  month: "30d",
  reward: "8%",
  penalty: 15,
  accepted_amounts: [25_000, "50000"],
  invalid_request_fee: 50,
  refund_above: 10,
  confirmation: true,
  minimum_balance: "100",
  funds_wait: "12h",
  admin_transfer_above: 400,
  top_up_available_above: 510,
  top_up_fee_left: 10,
  report_every: "2h",
  strict_json_up_to_block: 60_693_000,
  expiration: "5m",
  max_attempts: 20,
  support_address: "complaints@example.org",
  managers: ["dls.cipher"],
};

/** What YAML is known for. */
const YAML: readonly string[] = [
  "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n",
  "month: &m 30d\nfunds_wait: *m\n",
  "<<: {month: 30d}\nreward: 8%\n",
  "? [month]\n: 30d\n",
  "month: !!binary MzBk\n",
  "month: !secret 30d\n",
  "month: !!float .nan\nreward: .inf\n",
  "--- \nmonth: 30d\n---\nreward: 1\n",
  "%YAML 1.1\n---\nmonth: 30d\nconfirmation: yes\n",
  "month: |\n  30d\nreward: >-\n  8%\n",
  "reward: 0o10\npenalty: 0x0f\n",
  "accepted_amounts: [25_000, 1e5, +25000, 025000]\n",
  "__proto__: {month: 1s}\n",
  "&a a: *a\n",
  "max_attempts: 1_0\nmonth: 2026-01-01\n",
  "",
  "~",
  "- month: 30d\n",
];

const yamlOf = (policy: Readonly<Record<string, Input>>): string =>
  Object.entries(policy)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join("");

export const policy: Target = {
  name: "policy",
  about: "policy file in YAML or JSON → the policy in force",
  weight: 6,
  open() {
    // In memory where there is such a place: opening a file is most of the time here.
    const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "stakebts-fuzz-"));
    const path = join(folder, "policy.yaml");
    return {
      input(random) {
        if (random.chance(0.3)) return mutateText(random, random.pick(YAML), Object.keys(VALID));
        const keys = Object.keys(VALID).filter(() => random.chance(0.3));
        const some = Object.fromEntries(keys.map((key) => [key, VALID[key] as Input]));
        const changed = random.chance(0.1)
          ? { ...some, [random.pick(Object.keys(VALID))]: hostileValue(random) }
          : some;
        if (random.chance(0.01)) return `month: "${longText(random)}"\n${longText(random)}`;
        if (random.chance(0.4)) return JSON.stringify(mutateTree(random, changed, ["30d", "1m", "8%"])) ?? "";
        return mutateText(random, yamlOf(changed), Object.keys(VALID));
      },
      run(input) {
        writeFileSync(path, Buffer.from(input as string, "utf8"));
        let file;
        try {
          file = readEnvironment(SCHEMA, { STAKEBTS_POLICY: path }).STAKEBTS_POLICY;
          const { policy: inForce, managers } = policyOf(file, MAINNET_CHAIN_ID);
          const { terms } = inForce;
          rule(
            Number.isSafeInteger(terms.monthMs) && terms.monthMs >= 86_400_000,
            "a month of less than a day",
          );
          rule(terms.rewardBps >= 0n && terms.rewardBps <= 10_000n, "a reward that is no percentage");
          rule(terms.penaltyBps >= 0n && terms.penaltyBps <= 10_000n, "a penalty that is no percentage");
          rule(inForce.acceptedAmounts.length > 0, "no accepted amount");
          for (const amount of inForce.acceptedAmounts) rule(amount > 0n, "an accepted amount of nothing");
          for (const name of managers) rule(/^[a-z][a-z0-9.-]*$/u.test(name), "a manager that is no account");
          for (const ms of [inForce.fundsWaitMs, inForce.expirationMs, inForce.reportEveryMs])
            rule(Number.isSafeInteger(ms) && ms > 0, "a duration that is none");
          rule(typeof inForce.confirmAgreements === "boolean", "a switch that is neither on nor off");
        } catch (error) {
          // The process does not start, and says why.
          if (!(error instanceof StartupError)) throw error;
          rule(error.message.length < 20_000, "a message of thousands of characters");
        }
      },
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};
