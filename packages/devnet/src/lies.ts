import type { DevnetFaults } from "./node/faults.ts";

/** What a node can be told to lie about, by name. Each lie goes on until the next one, or `null`, takes its place. */
export const LIES = {
  /** A transfer to the victim that never was, in every block. */
  invent: "adds a transfer to the victim to every block",
  "invent-unknown": "the same, beside an unknown operation, so that no root can be computed",
  hide: "leaves out all that the victim takes part in",
  "hide-unknown": "puts an unknown operation in its place, so that no root can be computed",
  "invent-virtual": "adds a transfer to the victim to its history, as if a proposal had paid it",
  "hide-virtual": "leaves what proposals have paid out of every history",
  rewind: "serves the chain as it was 100 blocks ago",
  "other-chain": "says that it is on another chain",
  "other-account": "gives the attacker's id with the name of everybody but the victim",
  "other-memo-key": "gives the attacker's memo key as that of everybody but the victim",
  "false-head": "has a head a day ahead, and everything is irreversible",
  "dear-fee": "asks a thousand times the fee",
  poor: "says that every balance is empty",
  rich: "says that everybody has a hundred million BTS",
  "other-authority": "says that the victim's keys have changed",
} as const satisfies Record<string, string>;
export type Lie = keyof typeof LIES;

export const isLie = (text: string): text is Lie => Object.hasOwn(LIES, text);

export interface LieOptions {
  /** Whom it is about: the custodian, as a rule. `1.2.N` */
  readonly victim: string;
  /** Who is to gain by it. Any account there is. */
  readonly attacker: string;
}

type Json = Record<string, unknown>;
const ATTACKER_KEY = "BTS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV";
const UNKNOWN_OPERATION = [90, { unknown: "operation" }];
const HUNDRED_MILLION_BTS = "10000000000000";

/** Makes this node lie from now on; `null` makes an honest one of it. */
export function tellLie(faults: DevnetFaults, lie: Lie | null, options: LieOptions): void {
  faults.lagBlocks(lie === "rewind" ? 100 : 0);
  faults.lie(
    lie === null || lie === "rewind" ? null : (method, result) => lieAbout(lie, method, result, options),
  );
}

function lieAbout(
  lie: Exclude<Lie, "rewind">,
  method: string,
  result: unknown,
  { victim, attacker }: LieOptions,
): unknown {
  switch (lie) {
    case "invent":
      return method === "get_block"
        ? withTransactions(result, (all) => [...all, gift(attacker, victim)])
        : result;
    case "invent-unknown":
      return method === "get_block"
        ? withTransactions(result, (all) => [...all, gift(attacker, victim), unknownTransaction])
        : result;
    case "hide":
      return method === "get_block"
        ? withTransactions(result, (all) => all.filter((one) => !names(one, victim)))
        : result;
    case "hide-unknown":
      return method === "get_block"
        ? withTransactions(result, (all) => all.map((one) => (names(one, victim) ? unknownTransaction : one)))
        : result;
    case "invent-virtual":
      return isHistory(method) && Array.isArray(result) && result[0] !== undefined
        ? [inventedEntry(result[0] as Json, attacker, victim), ...(result as unknown[])]
        : result;
    case "hide-virtual":
      return isHistory(method) && Array.isArray(result)
        ? result.filter((entry: Json) => entry["virtual_op"] === 0)
        : result;
    case "other-chain":
      return method === "get_chain_id" ? "66".repeat(32) : result;
    case "other-account":
      return method === "get_accounts"
        ? everyObject(result, (account) =>
            account["id"] === victim ? account : { ...account, id: attacker },
          )
        : result;
    case "other-memo-key":
      return method === "get_accounts"
        ? everyObject(result, (account) => (account["id"] === victim ? account : withMemoKey(account)))
        : result;
    case "other-authority":
      return method === "get_objects"
        ? everyObject(result, (object) => (object["id"] === victim ? withMemoKey(object) : object))
        : result;
    case "false-head":
      return method === "get_objects"
        ? everyObject(result, (object) =>
            object["id"] === "2.1.0"
              ? {
                  ...object,
                  time: aDayLater(String(object["time"])),
                  last_irreversible_block_num: object["head_block_number"],
                }
              : object,
          )
        : result;
    case "dear-fee":
      return method === "get_objects"
        ? everyObject(result, (object) => (object["id"] === "2.0.0" ? withDearFees(object) : object))
        : result;
    case "poor":
    case "rich":
      return method === "get_account_balances"
        ? everyObject(result, (balance) => ({ ...balance, amount: lie === "poor" ? 0 : HUNDRED_MILLION_BTS }))
        : result;
    default:
      return lie satisfies never;
  }
}

const isHistory = (method: string): boolean => method.startsWith("get_account_history");

/** In the place of a newest entry. */
const inventedEntry = (newest: Json, from: string, to: string): Json => ({
  ...newest,
  op: (gift(from, to)["operations"] as unknown[])[0],
  virtual_op: 7,
});

const unknownTransaction = {
  ref_block_num: 1,
  ref_block_prefix: 1,
  expiration: "2030-01-01T00:00:00",
  operations: [UNKNOWN_OPERATION],
  extensions: [],
  signatures: [],
  operation_results: [],
};

const gift = (from: string, to: string): Json => ({
  ...unknownTransaction,
  operations: [
    [
      0,
      {
        fee: { amount: 1, asset_id: "1.3.0" },
        from,
        to,
        amount: { amount: HUNDRED_MILLION_BTS, asset_id: "1.3.0" },
        extensions: [],
      },
    ],
  ],
});

function withTransactions(block: unknown, change: (all: readonly unknown[]) => unknown[]): unknown {
  if (block === null || typeof block !== "object") return block;
  return { ...block, transactions: change((block as { transactions: unknown[] }).transactions) };
}

const names = (value: unknown, account: string): boolean => JSON.stringify(value).includes(`"${account}"`);

function everyObject(result: unknown, change: (object: Json) => Json): unknown {
  return Array.isArray(result)
    ? result.map((one: unknown) => (typeof one === "object" && one !== null ? change(one as Json) : one))
    : result;
}

const withMemoKey = (account: Json): Json => ({
  ...account,
  options: { ...(account["options"] as Json), memo_key: ATTACKER_KEY },
});

function withDearFees(object: Json): Json {
  const parameters = object["parameters"] as Json;
  const fees = parameters["current_fees"] as Json;
  return { ...object, parameters: { ...parameters, current_fees: { ...fees, scale: 10_000_000 } } };
}

const aDayLater = (time: string): string =>
  new Date(Date.parse(`${time}Z`) + 86_400_000).toISOString().slice(0, 19);
