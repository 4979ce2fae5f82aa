import type { Account, AssetObject, ChainState } from "./chain-state.ts";
import type { Json } from "./json-text.ts";
import { assertion, at } from "./node-error.ts";
import { asBool, asObjectId, asString } from "./variant.ts";

/** Arguments that queries share. */

/** Text that begins with a digit is an object id, everything else a name. */
export function findAccount(state: ChainState, nameOrId: string): Account | undefined {
  if (/^\d/.test(nameOrId)) return state.accounts.get(asObjectId(nameOrId, 1, 2));
  return state.findAccountByName(nameOrId);
}

export function getAccount(state: ChainState, nameOrId: Json): Account {
  const text = asString(nameOrId);
  const place = at("database_api.cpp", 3064, "get_account_from_string");
  const account = text === "" ? undefined : findAccount(state, text);
  if (account === undefined) throw assertion("account_ptr", place, { text: "no such account" });
  return account;
}

export function getAsset(state: ChainState, symbolOrId: Json): AssetObject {
  const text = asString(symbolOrId);
  const asset = /^\d/.test(text) ? state.assets.get(asObjectId(text, 1, 3)) : state.findAssetBySymbol(text);
  if (asset === undefined)
    throw assertion("asset_ptr", at("database_api.cpp", 3090, "get_asset_from_string"), {
      text: "no such asset",
    });
  return asset;
}

/** A trailing optional boolean, mostly "subscribe?". */
export const optionalBool = (args: readonly Json[], index: number): boolean | undefined => {
  const json = args[index];
  return json === undefined || json === null ? undefined : asBool(json);
};

export function checkLimit(
  limit: number | bigint,
  configured: number,
  file: string,
  line: number,
  method: string,
): void {
  if (limit > configured)
    throw assertion("limit <= configured_limit", at(file, line, method), {
      text: "limit can not be greater than ${configured_limit}",
      data: { configured_limit: configured },
    });
}
