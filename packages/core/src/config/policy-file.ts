import { readFileSync } from "node:fs";
import ms from "ms";
import { parseDocument } from "yaml";
import * as z from "zod";
import { bts } from "@stakebts/kernel/amount";
import { DAY_MS, HOUR_MS } from "@stakebts/kernel/time";
import { StartupError } from "@stakebts/kernel/errors";
import { DEFAULT_POLICY, MAINNET_CHAIN_ID, type Policy, strictJsonUpToBlock } from "../rules/policy.ts";
import { accountName } from "./account-name.ts";

/** Addresses of a block explorer's pages, with `{account}`, `{block}`, `{transaction}` in place of what is looked for. */
export interface ExplorerLinks {
  readonly account?: string | undefined;
  readonly block?: string | undefined;
  readonly transaction?: string | undefined;
}

/** Policy and roles: what a custodian decides, as opposed to where things run. */
export interface CustodianPolicy {
  readonly policy: Policy;
  readonly managers: readonly string[];
  readonly explorer: ExplorerLinks;
}

const DEFAULT_MANAGERS = ["dls.cipher", "escrow.zavod.premik"];

interface DurationBounds {
  readonly minimum: ms.StringValue;
  readonly maximum: ms.StringValue;
  /** Why not longer: a whole sentence, for the person whose duration is refused. */
  readonly because: string;
}

function duration({ minimum, maximum, because }: DurationBounds) {
  const expected = `expected a duration such as 30d, 12h or 20s, at least ${minimum} and at most ${maximum}. ${because}`;
  return z.string({ error: expected }).transform((text, context) => {
    const value = /^\d+(?:\.\d+)?\s*[a-z]+$/u.test(text) ? ms(text as ms.StringValue) : undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= ms(minimum) && value <= ms(maximum))
      return value;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

function wholeBts(minimum = 0n) {
  const error =
    minimum > 0n ? "expected whole BTS, more than 0, such as 50" : "expected whole BTS, such as 50";
  return z
    .union([z.number(), z.string()], { error })
    .refine((value) => /^[0-9]{1,10}$/u.test(String(value)) && BigInt(value) >= minimum, error)
    .transform((value) => bts(BigInt(value)));
}

const EXPECTED_PERCENT = "expected a percentage of at most 100 with at most two decimals, such as 8%";
/** `8%`, `12.5%` or a bare number of percent, exactly, as basis points. */
const percent = z.union([z.number(), z.string()], { error: EXPECTED_PERCENT }).transform((value, context) => {
  const match = /^(\d{1,3})(?:\.(\d{1,2}))?\s*%?$/u.exec(String(value));
  const percentBps =
    match === null ? undefined : BigInt(match[1] ?? "0") * 100n + BigInt((match[2] ?? "").padEnd(2, "0"));
  if (percentBps !== undefined && percentBps <= 10_000n) return percentBps;
  context.addIssue({ code: "custom", message: EXPECTED_PERCENT });
  return z.NEVER;
});

const EXPECTED_AMOUNTS = "expected a list of amounts, such as [25000, 50000]";

function wholeNumber({ minimum, maximum }: { minimum: number; maximum: number }) {
  const error = `expected a whole number from ${minimum} to ${maximum}`;
  return z.int({ error }).min(minimum, error).max(maximum, error);
}

const month = duration({
  minimum: "1s",
  maximum: "366d",
  because: "An agreement has up to twelve of them, and a term of decades is a slip of the pen",
});

/** An address with the place for what is looked for; empty for none. */
function explorerPage(placeholder: string) {
  const error = `expected an https address with ${placeholder} in it, or ""`;
  return z
    .string({ error })
    .max(300, error)
    .refine(
      (text) =>
        text === "" || (text.startsWith("https://") && URL.canParse(text) && text.includes(placeholder)),
      error,
    );
}

const EXPECTED_TERMS = "expected a list such as [{ month: 30d, reward: 8%, penalty: 15% }]";

interface PolicyKey {
  readonly schema: z.ZodType;
  /** What the schema accepts, in a few words. */
  readonly unit: string;
  /** As it would stand in the file. A test compares it with the policy that holds without a file. */
  readonly default: string | number | boolean | readonly (string | number)[];
  readonly sentence: string;
  readonly readers: readonly Reader[];
}
type Reader = "ingester" | "scheduler" | "payer" | "watcher" | "console";

/**
 * Names and units as people write them. Every key is optional; what is left out is the programme's default. From this come
 * the schema of the file and the table in docs/configuration.md (`npm run settings:write`).
 */
export const POLICY_KEYS = {
  month: {
    schema: month,
    unit: "1 s to 366 d",
    default: "30d",
    sentence:
      "Length of one month of an agreement. On the main network at least a day: ingester and payer refuse less",
    readers: ["scheduler", "payer", "watcher"],
  },
  reward: {
    schema: percent,
    unit: "percent, 2 decimals",
    default: "8%",
    sentence: "Of the amount, per month, rounded down to whole BTS",
    readers: ["scheduler", "payer", "watcher"],
  },
  penalty: {
    schema: percent,
    unit: "percent, 2 decimals",
    default: "15%",
    sentence: "Of the amount, for an early exit, rounded down",
    readers: ["scheduler", "payer", "watcher"],
  },
  earlier_terms: {
    schema: z.array(z.strictObject({ month, reward: percent, penalty: percent }, EXPECTED_TERMS), {
      error: EXPECTED_TERMS,
    }),
    unit: "list of `{ month, reward, penalty }`",
    default: [],
    sentence:
      "Terms that held before. An agreement keeps the terms under which it was opened, and one with terms that are neither here nor in force is not paid",
    readers: ["payer", "watcher"],
  },
  accepted_amounts: {
    schema: z.array(wholeBts(1n), { error: EXPECTED_AMOUNTS }).min(1, EXPECTED_AMOUNTS),
    unit: "list of whole BTS",
    default: [
      25_000, 50_000, 100_000, 200_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
    ],
    sentence: "Amounts that open an agreement, exactly (what arrives is rounded down first)",
    readers: ["scheduler"],
  },
  invalid_request_fee: {
    schema: wholeBts(),
    unit: "whole BTS",
    default: 50,
    sentence: "Kept back from the refund of an invalid request",
    readers: ["scheduler"],
  },
  refund_above: {
    schema: wholeBts(),
    unit: "whole BTS",
    default: 10,
    sentence: "A refund is sent only if more than this is left",
    readers: ["scheduler"],
  },
  confirmation: {
    schema: z.boolean({ error: "expected true or false" }),
    unit: "true, false",
    default: true,
    sentence: "Send 1 BTS with a memo for each new agreement",
    readers: ["scheduler"],
  },
  minimum_balance: {
    schema: wholeBts(),
    unit: "whole BTS",
    default: 100,
    sentence: "Stays in the hot wallet",
    readers: ["payer", "console"],
  },
  max_network_fee: {
    schema: wholeBts(1n),
    unit: "whole BTS",
    default: 50,
    sentence:
      "No transaction whose fee is above it is signed, and none is taken for ours, no matter what fee the nodes say that the chain asks",
    readers: ["payer", "watcher"],
  },
  funds_wait: {
    schema: duration({
      minimum: "1s",
      maximum: "366d",
      because: "A payout that waits longer for funds has to be looked at by a person",
    }),
    unit: "1 s to 366 d",
    default: "12h",
    sentence: "A payout waits so long for funds before it fails (chain time)",
    readers: ["payer"],
  },
  admin_transfer_above: {
    schema: wholeBts(),
    unit: "whole BTS",
    default: 400,
    sentence: "An admin transfer must be larger",
    readers: ["scheduler"],
  },
  top_up_available_above: {
    schema: wholeBts(),
    unit: "whole BTS",
    default: 510,
    sentence: "A source of top-ups is used only while it can send more than this",
    readers: ["payer"],
  },
  top_up_fee_left: {
    schema: wholeBts(),
    unit: "whole BTS",
    default: 10,
    sentence: "Of what a source can send, this much stays there",
    readers: ["payer"],
  },
  report_every: {
    schema: duration({
      minimum: "1s",
      maximum: "90d",
      because: "A report that comes less often does not tell people in time that funds are low",
    }),
    unit: "1 s to 90 d",
    default: "2h",
    sentence: "Between two reports of balances and liabilities (host time)",
    readers: ["payer"],
  },
  strict_json_up_to_block: {
    schema: wholeNumber({ minimum: 0, maximum: 0xffff_ffff }),
    unit: "block number",
    default: strictJsonUpToBlock(MAINNET_CHAIN_ID),
    sentence: "Memos up to this block had to be JSON. The default of other networks is 0",
    readers: ["ingester"],
  },
  expiration: {
    schema: duration({
      minimum: "15s",
      maximum: "30d",
      because: "After a restore nothing is paid for as long as a signed transaction lives",
    }),
    unit: "15 s to 30 d",
    default: "3m",
    sentence:
      "Life of a signed transaction and of the recovery hold (chain time). Main network: ≤ 1 h. Never above 90 % of what the chain allows",
    readers: ["ingester", "payer"],
  },
  max_attempts: {
    schema: wholeNumber({ minimum: 1, maximum: 1_000 }),
    unit: "1 to 1000",
    default: 5,
    sentence: "A payout fails when so many of its withdrawals expired",
    readers: ["ingester"],
  },
  support_address: {
    schema: z
      .string({ error: "expected text" })
      .min(1, "expected text")
      .max(200, "expected at most 200 characters"),
    unit: "text, ≤ 200",
    default: "complaints@stakebts.bitsharesmanagement.group",
    sentence: "Named in the notice of a failed payout",
    readers: ["ingester", "payer"],
  },
  managers: {
    schema: z.array(accountName, { error: "expected a list of account names" }),
    unit: "list of accounts",
    default: DEFAULT_MANAGERS,
    sentence: "Whose admin memos count, while they are lifetime members",
    readers: ["scheduler"],
  },
  explorer_account: {
    schema: explorerPage("{account}"),
    unit: "address with `{account}`",
    default: "",
    sentence: "Page of an account in a block explorer. The console links to it",
    readers: ["console"],
  },
  explorer_block: {
    schema: explorerPage("{block}"),
    unit: "address with `{block}`",
    default: "",
    sentence: "The same of a block",
    readers: ["console"],
  },
  explorer_transaction: {
    schema: explorerPage("{transaction}"),
    unit: "address with `{transaction}`",
    default: "",
    sentence: "The same of a transaction",
    readers: ["console"],
  },
} as const satisfies Readonly<Record<string, PolicyKey>>;

type PolicyKeys = typeof POLICY_KEYS;
const policyFile = z
  .strictObject(
    Object.fromEntries(Object.entries(POLICY_KEYS).map(([key, { schema }]) => [key, schema])) as {
      [K in keyof PolicyKeys]: PolicyKeys[K]["schema"];
    },
  )
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
      content = parsePolicyText(readFileSync(path, "utf8"));
    } catch (error) {
      // The first line says what and where. The rest quotes the file, which may be the wrong one, and a secret.
      problem(`it cannot be read as YAML or JSON: ${firstLineOf(error).slice(0, 200)}`);
      return z.NEVER;
    }
    const parsed = policyFile.safeParse(content, { reportInput: true });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) problem(problemInFile(issue));
    return z.NEVER;
  });

/** The setting without all others, for a process that reads its file again. */
export const policyAlone = z.object({ STAKEBTS_POLICY: policySetting });

const TEXT_LENGTH_MAX = 16_384;
/** Brackets, list items and the like: the time that YAML takes grows with the square of the depth. */
const OPENINGS_MAX = 500;

/** What stands in the file, `{}` for nothing. Throws for what is not YAML beyond doubt, warnings included. */
function parsePolicyText(text: string): unknown {
  if (text.length > TEXT_LENGTH_MAX) throw new Error(`it has more than ${TEXT_LENGTH_MAX} characters`);
  if ((text.match(/[[{]|[-?:]\s/gu) ?? []).length > OPENINGS_MAX)
    throw new Error(`it has more than ${OPENINGS_MAX} brackets, keys and list items`);
  // Warnings would be printed, with a piece of the file, and an unknown tag taken for the plain text.
  const document = parseDocument(text, { logLevel: "error" });
  const [doubt] = [...document.errors, ...document.warnings];
  if (doubt !== undefined) throw doubt;
  return (document.toJS() as unknown) ?? {};
}

/** Nested deep enough some errors have no message at all. */
const firstLineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : "").split("\n", 1)[0] ?? "";

function problemInFile(issue: z.core.$ZodIssue): string {
  const known = Object.keys(policyFile.shape).join(", ");
  if (issue.code === "unrecognized_keys" && issue.path.length > 0)
    return `${issue.path.join(".")} has ${issue.keys.join(", ")}, which is no such key: ${issue.message}`;
  if (issue.code === "unrecognized_keys") return `${issue.keys.join(", ")}: no such key; there are ${known}`;
  if (issue.path.length === 0) return `the file: expected keys and values; there are ${known}`;
  return `${issue.path.join(".")} is ${foundValue(issue.input)}: ${issue.message}`;
}

function foundValue(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value === undefined) return "not there";
  return typeof value === "object" && value !== null ? "a set of keys" : JSON.stringify(value).slice(0, 80);
}

/**
 * The policy in force: the defaults of the programme, changed by the file.
 * @param chainId bare memos were refused up to a block of the main network; other networks have no such past
 */
export function policyOf(file: PolicyFile, chainId: string): CustodianPolicy {
  const { terms } = DEFAULT_POLICY;
  // `1m` is a minute. With other people's money that is a slip of the pen, and an expensive one.
  if (chainId === MAINNET_CHAIN_ID && (file.month ?? terms.monthMs) < DAY_MS)
    throw new StartupError(
      `STAKEBTS_POLICY: month is ${ms(file.month ?? 0)}; on the main network it is at least a day (30d, not 1m)`,
    );
  // For so long nothing is paid after a restore, or when the ledger was behind the chain (ADR 0012).
  if (chainId === MAINNET_CHAIN_ID && (file.expiration ?? 0) > HOUR_MS)
    throw new StartupError(
      `STAKEBTS_POLICY: expiration is ${ms(file.expiration ?? 0)}; on the main network it is at most an hour, because after a restore nothing is paid for so long`,
    );
  return {
    policy: {
      terms: {
        monthMs: file.month ?? terms.monthMs,
        rewardBps: file.reward ?? terms.rewardBps,
        penaltyBps: file.penalty ?? terms.penaltyBps,
      },
      earlierTerms: (file.earlier_terms ?? []).map(({ month: monthMs, reward, penalty }) => ({
        monthMs,
        rewardBps: reward,
        penaltyBps: penalty,
      })),
      acceptedAmounts: file.accepted_amounts ?? DEFAULT_POLICY.acceptedAmounts,
      invalidRequestFee: file.invalid_request_fee ?? DEFAULT_POLICY.invalidRequestFee,
      refundAbove: file.refund_above ?? DEFAULT_POLICY.refundAbove,
      confirmAgreements: file.confirmation ?? DEFAULT_POLICY.confirmAgreements,
      minimumBalance: file.minimum_balance ?? DEFAULT_POLICY.minimumBalance,
      maxNetworkFee: file.max_network_fee ?? DEFAULT_POLICY.maxNetworkFee,
      fundsWaitMs: file.funds_wait ?? DEFAULT_POLICY.fundsWaitMs,
      adminTransferAbove: file.admin_transfer_above ?? DEFAULT_POLICY.adminTransferAbove,
      topUpAvailableAbove: file.top_up_available_above ?? DEFAULT_POLICY.topUpAvailableAbove,
      topUpFeeLeft: file.top_up_fee_left ?? DEFAULT_POLICY.topUpFeeLeft,
      reportEveryMs: file.report_every ?? DEFAULT_POLICY.reportEveryMs,
      strictJsonUpToBlock: file.strict_json_up_to_block ?? strictJsonUpToBlock(chainId),
      expirationMs: file.expiration ?? DEFAULT_POLICY.expirationMs,
      maxAttempts: file.max_attempts ?? DEFAULT_POLICY.maxAttempts,
      supportAddress: file.support_address ?? DEFAULT_POLICY.supportAddress,
    },
    managers: file.managers ?? DEFAULT_MANAGERS,
    explorer: {
      account: file.explorer_account || undefined,
      block: file.explorer_block || undefined,
      transaction: file.explorer_transaction || undefined,
    },
  };
}
