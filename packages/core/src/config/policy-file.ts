import { readFileSync } from "node:fs";
import ms from "ms";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { bts } from "../domain/amount.ts";
import { DEFAULT_POLICY, type Policy, strictJsonUpToBlock } from "../domain/policy.ts";

/** Policy and roles: what a custodian decides, as opposed to where things run. */
export interface CustodianPolicy {
  readonly policy: Policy;
  readonly managers: readonly string[];
}

const DEFAULT_MANAGERS = ["dls.cipher", "escrow.zavod.premik"];

const duration = (minimumMs: number) =>
  z.string().transform((text, context) => {
    const value = /^\d+(?:\.\d+)?\s*[a-z]+$/u.test(text) ? ms(text as ms.StringValue) : undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= minimumMs) return value;
    context.addIssue({
      code: "custom",
      message: `expected a duration of at least ${ms(minimumMs)}, such as 30d, 12h or 20s`,
    });
    return z.NEVER;
  });

const wholeBts = z
  .union([z.number(), z.string()])
  .refine((value) => /^[0-9]{1,10}$/u.test(String(value)), "expected whole BTS, such as 50")
  .transform((value) => bts(BigInt(value)));

/** `8%`, `12.5%` or a bare number of percent, exactly, as basis points. */
const percent = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d{1,4})(?:\.(\d{1,2}))?\s*%?$/u.exec(String(value));
  if (match !== null) return BigInt(match[1] ?? "0") * 100n + BigInt((match[2] ?? "").padEnd(2, "0"));
  context.addIssue({
    code: "custom",
    message: "expected a percentage with at most two decimals, such as 8%",
  });
  return z.NEVER;
});

const accountName = z.string().regex(/^[a-z][a-z0-9.-]*$/u, "expected the name of a BitShares account");

/** Names and units as people write them. Every key is optional; what is left out is the programme's default. */
const policyFile = z
  .strictObject({
    month: duration(1_000),
    reward: percent,
    penalty: percent,
    accepted_amounts: z.array(wholeBts).min(1),
    invalid_request_fee: wholeBts,
    refund_above: wholeBts,
    confirmation: z.boolean(),
    minimum_balance: wholeBts,
    funds_wait: duration(1_000),
    admin_transfer_above: wholeBts,
    strict_json_up_to_block: z.int().min(0),
    expiration: duration(15_000),
    max_attempts: z.int().min(1).max(1_000),
    support_address: z.string().min(1).max(200),
    managers: z.array(accountName),
  })
  .partial();

export type PolicyFile = z.infer<typeof policyFile>;

/** `STAKEBTS_POLICY`: the path of a file in YAML or JSON, read and checked on the spot. Without it: the defaults. */
export const policySetting = z
  .string()
  .optional()
  .transform((path, context): PolicyFile => {
    if (path === undefined) return {};
    const problem = (message: string) => context.addIssue({ code: "custom", message });
    let content: unknown;
    try {
      content = parseYaml(readFileSync(path, "utf8")) ?? {};
    } catch (error) {
      problem(`it cannot be read as YAML or JSON: ${(error as Error).message}`);
      return z.NEVER;
    }
    const parsed = policyFile.safeParse(content);
    if (parsed.success) return parsed.data;
    const known = Object.keys(policyFile.shape).join(", ");
    for (const issue of parsed.error.issues)
      problem(
        issue.code === "unrecognized_keys"
          ? `${issue.keys.join(", ")}: no such key; there are ${known}`
          : `${issue.path.join(".") || "the file"}: ${issue.message}`,
      );
    return z.NEVER;
  });

/**
 * The policy in force: the defaults of the programme, changed by the file.
 * @param chainId bare memos were refused up to a block of the main network; other networks have no such past
 */
export function policyOf(file: PolicyFile, chainId: string): CustodianPolicy {
  const { terms } = DEFAULT_POLICY;
  return {
    policy: {
      terms: {
        monthMs: file.month ?? terms.monthMs,
        rewardBps: file.reward ?? terms.rewardBps,
        penaltyBps: file.penalty ?? terms.penaltyBps,
      },
      acceptedAmounts: file.accepted_amounts ?? DEFAULT_POLICY.acceptedAmounts,
      invalidRequestFee: file.invalid_request_fee ?? DEFAULT_POLICY.invalidRequestFee,
      refundAbove: file.refund_above ?? DEFAULT_POLICY.refundAbove,
      confirmAgreements: file.confirmation ?? DEFAULT_POLICY.confirmAgreements,
      minimumBalance: file.minimum_balance ?? DEFAULT_POLICY.minimumBalance,
      fundsWaitMs: file.funds_wait ?? DEFAULT_POLICY.fundsWaitMs,
      adminTransferAbove: file.admin_transfer_above ?? DEFAULT_POLICY.adminTransferAbove,
      strictJsonUpToBlock: file.strict_json_up_to_block ?? strictJsonUpToBlock(chainId),
      expirationMs: file.expiration ?? DEFAULT_POLICY.expirationMs,
      maxAttempts: file.max_attempts ?? DEFAULT_POLICY.maxAttempts,
      supportAddress: file.support_address ?? DEFAULT_POLICY.supportAddress,
    },
    managers: file.managers ?? DEFAULT_MANAGERS,
  };
}
