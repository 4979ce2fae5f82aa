import { type ApiMethod, ApiSet, RawJson } from "./api-set.ts";
import { potentialKeys, requiredKeys, satisfies, verifyAuthority } from "./authority.ts";
import { blockJson, headerJson } from "./block.ts";
import type { Chain } from "./chain.ts";
import type { WithdrawPermission } from "./chain-state.ts";
import { feeInAsset, requiredCoreFee } from "./fees.ts";
import type { Json, Wire } from "./json-text.ts";
import { parsePublicKeyText, publicKeyText } from "./keys.ts";
import { DATABASE_METHODS } from "./method-tables.ts";
import { CHAIN_CONSTANTS } from "./node-config.ts";
import { assertion, at } from "./node-error.ts";
import {
  accountWire,
  assetWire,
  chainPropertiesWire,
  dynamicPropertiesWire,
  fullAccountWire,
  globalPropertiesWire,
  objectWire,
  permissionWire,
} from "./object-wire.ts";
import { checkLimit, findAccount, getAccount, getAsset, optionalBool } from "./query-args.ts";
import { Transaction } from "./transaction.ts";
import {
  asAnyObjectId,
  asArray,
  asBool,
  asFixedBytes,
  asObjectId,
  asString,
  asUint16,
  asUint32,
  asUint64,
} from "./variant.ts";
import { wireSigned, wireUnsigned } from "./wire-values.ts";

/** API 0. `chain` gives the chain that the node serves at the moment (a lagging one may be an older one). */
export function databaseApi(chain: () => Chain): ApiSet {
  const state = () => chain().state;
  return new ApiSet(DATABASE_METHODS, {
    ...blockQueries(chain),
    ...objectQueries(chain),
    ...accountQueries(chain),
    ...authorityQueries(chain),
    get_chain_id: { required: 0, run: () => state().chainId },
    get_chain_properties: { required: 0, run: () => chainPropertiesWire(state()) },
    get_global_properties: { required: 0, run: () => globalPropertiesWire(state()) },
    get_dynamic_global_properties: { required: 0, run: () => dynamicPropertiesWire(state()) },
    get_config: {
      required: 0,
      run: () => ({
        ...CHAIN_CONSTANTS,
        GRAPHENE_SYMBOL: state().genesis.addressPrefix,
        GRAPHENE_ADDRESS_PREFIX: state().genesis.addressPrefix,
      }),
    },
    set_block_applied_callback: {
      required: 1,
      run: ([callback = null], session) => {
        session.blockCallback = wireUnsigned(asUint64(callback));
        return null;
      },
    },
    set_pending_transaction_callback: {
      required: 1,
      run: ([callback = null], session) => {
        session.pendingCallback = wireUnsigned(asUint64(callback));
        return null;
      },
    },
    set_subscribe_callback: {
      required: 2,
      run: ([callback = null, universal = null], session) => {
        if (asBool(universal))
          throw assertion(
            "_app_options && _app_options->enable_subscribe_to_all",
            at("database_api.cpp", 176, "set_subscribe_callback"),
            { text: "Subscribing to universal object creation and removal is disallowed in this server." },
          );
        session.setObjectCallback(wireUnsigned(asUint64(callback)));
        return null;
      },
    },
    set_auto_subscription: {
      required: 1,
      run: ([on = null], session) => {
        session.autoSubscribe = asBool(on);
        return null;
      },
    },
    cancel_all_subscriptions: {
      required: 0,
      run: (_, session) => {
        session.setObjectCallback(undefined);
        return null;
      },
    },
  });
}

type Methods = Record<string, ApiMethod>;

function blockQueries(chain: () => Chain): Methods {
  const header = (num: number, withSignature: boolean) => {
    const block = chain().block(num);
    return block === undefined ? "null" : headerJson(block, { withSignature });
  };
  return {
    get_block: {
      required: 1,
      run: ([num = null]) => {
        const block = chain().block(asUint32(num));
        return block === undefined ? null : new RawJson(blockJson(block));
      },
    },
    get_block_header: {
      required: 1,
      run: (args) => new RawJson(header(asUint32(args[0] ?? null), optionalBool(args, 1) ?? false)),
    },
    get_block_header_batch: {
      required: 1,
      run: (args) => {
        const nums = [...new Set(asArray(args[0] ?? null).map(asUint32))].sort((a, b) => a - b);
        const withSignature = optionalBool(args, 1) ?? false;
        return new RawJson(`[${nums.map((num) => `[${num},${header(num, withSignature)}]`).join(",")}]`);
      },
    },
    get_transaction: {
      required: 2,
      run: ([num = null, index = null]) => {
        const block = chain().block(asUint32(num));
        if (block === undefined) throw assertion("opt_block", at("database_api.cpp", 302, "get_transaction"));
        const transaction = block.transactions[asUint32(index)];
        if (transaction === undefined)
          throw assertion(
            "opt_block->transactions.size() > trx_num",
            at("database_api.cpp", 303, "get_transaction"),
          );
        return new RawJson(transaction.processedJson([]));
      },
    },
    get_recent_transaction_by_id: {
      required: 1,
      run: ([id = null]) => {
        const transaction = chain().state.known.get(asFixedBytes(id, 20).toString("hex"));
        return transaction === undefined ? null : new RawJson(transaction.json());
      },
    },
  };
}

function objectQueries(chain: () => Chain): Methods {
  const state = () => chain().state;
  return {
    get_objects: {
      required: 1,
      run: (args, session) => {
        const ids = asArray(args[0] ?? null).map(asAnyObjectId);
        const subscribe = optionalBool(args, 1);
        return ids.map((id) => {
          session.follow(`${id.space}.${id.type}.${id.instance}`, subscribe);
          return objectWire(state(), id);
        });
      },
    },
    get_next_object_id: {
      required: 3,
      run: ([space = null, type = null]) => {
        const prefix = `${asUint16(space)}.${asUint16(type)}`;
        return `${prefix}.${state().nextInstance(prefix)}`;
      },
    },
    get_assets: {
      required: 1,
      run: (args, session) =>
        asArray(args[0] ?? null).map((key) => {
          const found = findAsset(chain, asString(key));
          if (found !== null) session.follow(`1.3.${found}`, optionalBool(args, 1));
          return assetOrNull(chain, found);
        }),
    },
    lookup_asset_symbols: {
      required: 1,
      run: ([keys = null]) => asArray(keys).map((key) => assetOrNull(chain, findAsset(chain, asString(key)))),
    },
    list_assets: {
      required: 2,
      run: ([lower = null, limit = null]) => {
        checkLimit(asUint32(limit), 101, "database_api.cpp", 1100, "list_assets");
        const from = asString(lower);
        return [...state().assets.values()]
          .filter(({ symbol }) => symbol >= from)
          .sort((a, b) => (a.symbol < b.symbol ? -1 : 1))
          .slice(0, asUint32(limit))
          .map(({ id }) => assetOrNull(chain, id));
      },
    },
    get_asset_count: { required: 0, run: () => state().assets.size },
    get_asset_id_from_string: { required: 1, run: ([text = null]) => `1.3.${getAsset(state(), text).id}` },
    get_witnesses: {
      required: 1,
      run: ([ids = null]) =>
        asArray(ids).map((id) => objectWire(state(), { space: 1, type: 6, instance: asObjectId(id, 1, 6) })),
    },
    get_witness_count: { required: 0, run: () => state().witnesses.size },
    get_committee_members: {
      required: 1,
      run: ([ids = null]) =>
        asArray(ids).map((id) => objectWire(state(), { space: 1, type: 5, instance: asObjectId(id, 1, 5) })),
    },
    get_required_fees: {
      required: 2,
      run: ([operations = null, assetKey = null]) => {
        const { codec, parameters } = state();
        const parsed = asArray(operations).map((operation) => codec.parse(operation));
        const asset = getAsset(state(), assetKey);
        return parsed.map((operation) => ({
          amount: wireSigned(feeInAsset(requiredCoreFee(codec, parameters, operation), asset)),
          asset_id: `1.3.${asset.id}`,
        }));
      },
    },
  };
}

function findAsset(chain: () => Chain, key: string): number | null {
  const { state } = chain();
  const asset = /^\d/.test(key) ? state.assets.get(asObjectId(key, 1, 3)) : state.findAssetBySymbol(key);
  return asset?.id ?? null;
}

function assetOrNull(chain: () => Chain, id: number | null): Wire {
  const { state } = chain();
  const asset = id === null ? undefined : state.assets.get(id);
  if (asset === undefined) return null;
  const backing = asset.id === 0 ? { total_in_collateral: 0 } : {};
  return { ...(assetWire(state, asset) as Record<string, Wire>), ...backing };
}

function accountQueries(chain: () => Chain): Methods {
  const state = () => chain().state;
  const balances = ([nameOrId = null, assetIds = null]: readonly Json[]): Wire => {
    const account = getAccount(state(), nameOrId);
    const wanted = asArray(assetIds).map((id) => asObjectId(id, 1, 3));
    const print = (assetId: number, amount: bigint) => ({
      amount: wireSigned(amount),
      asset_id: `1.3.${assetId}`,
    });
    if (wanted.length === 0)
      return state()
        .balancesOf(account.id)
        .map(({ assetId, amount }) => print(assetId, amount));
    return wanted.map((assetId) => print(assetId, state().findBalance(account.id, assetId)?.amount ?? 0n));
  };
  const accounts = (list: Json, follow?: (id: number) => void): Wire =>
    asArray(list).map((key) => {
      const account = findAccount(state(), asString(key));
      if (account === undefined) return null;
      follow?.(account.id);
      return accountWire(state(), account);
    });
  const permissions = (suffix: string, party: (permission: WithdrawPermission) => number): ApiMethod => ({
    required: 3,
    run: ([nameOrId = null, startJson = null, limitJson = null]) => {
      const limit = asUint32(limitJson);
      checkLimit(limit, 101, "database_api.cpp", 2670, `get_withdraw_permissions_${suffix}`);
      const account = getAccount(state(), nameOrId);
      const start = asObjectId(startJson, 1, 12);
      return [...state().permissions.values()]
        .filter((permission) => party(permission) === account.id && permission.id >= start)
        .sort((a, b) => a.id - b.id)
        .slice(0, limit)
        .map(permissionWire);
    },
  });
  return {
    get_accounts: {
      required: 1,
      run: (args, session) =>
        accounts(args[0] ?? null, (id) => session.follow(`1.2.${id}`, optionalBool(args, 1))),
    },
    lookup_account_names: { required: 1, run: ([list = null]) => accounts(list) },
    get_account_by_name: {
      required: 1,
      run: ([name = null]) => {
        const account = state().findAccountByName(asString(name));
        return account === undefined ? null : accountWire(state(), account);
      },
    },
    get_account_id_from_string: {
      required: 1,
      run: ([text = null]) => `1.2.${getAccount(state(), text).id}`,
    },
    get_account_count: { required: 0, run: () => state().accounts.size },
    lookup_accounts: {
      required: 2,
      run: (args, session) => {
        const [lower = null, limitJson = null] = args;
        const limit = asUint32(limitJson);
        checkLimit(limit, 1000, "database_api.cpp", 790, "lookup_accounts");
        const from = asString(lower);
        const found = [...state().accountsByName.keys()].filter((name) => name >= from).sort();
        return found.slice(0, limit).map((name) => {
          const id = state().findAccountByName(name)?.id ?? 0;
          if (limit === 1) session.follow(`1.2.${id}`, optionalBool(args, 2));
          return [name, `1.2.${id}`];
        });
      },
    },
    get_full_accounts: {
      required: 1,
      run: (args, session) => {
        const keys = asArray(args[0] ?? null).map(asString);
        if (keys.length > 50)
          throw assertion(
            "names_or_ids.size() <= configured_limit",
            at("database_api.cpp", 604, "get_full_accounts"),
            {
              text: "Number of querying accounts can not be greater than ${configured_limit}",
              data: { configured_limit: 50 },
            },
          );
        return keys.flatMap((key) => {
          const account = findAccount(state(), key);
          if (account === undefined) return [];
          session.followAccount(account.id, optionalBool(args, 1));
          return [[key, fullAccountWire(state(), account)]];
        });
      },
    },
    get_account_balances: { required: 2, run: balances },
    get_named_account_balances: { required: 2, run: balances },
    get_balance_objects: { required: 1, run: ([list = null]) => asArray(list).flatMap(() => []) },
    get_vesting_balances: {
      required: 1,
      run: ([account = null]) => {
        getAccount(state(), account);
        return [];
      },
    },
    get_withdraw_permissions_by_giver: permissions("by_giver", ({ from }) => from),
    get_withdraw_permissions_by_recipient: permissions("by_recipient", ({ authorized }) => authorized),
    get_account_references: { required: 1, run: () => [] },
    get_key_references: {
      required: 1,
      run: ([keys = null]) =>
        asArray(keys).map((text) => {
          const key = parsePublicKeyText(asString(text), state().codec.prefix);
          return [...state().accounts.values()]
            .filter(({ owner, active, options }) =>
              [...owner.key_auths, ...active.key_auths, [options.memo_key] as const].some(
                ([known]) => known === key,
              ),
            )
            .map(({ id }) => `1.2.${id}`);
        }),
    },
    is_public_key_registered: {
      required: 1,
      run: ([text = null]) => {
        const key = parsePublicKeyText(asString(text), state().codec.prefix);
        return [...state().accounts.values()].some(({ owner, active, options }) =>
          [...owner.key_auths, ...active.key_auths, [options.memo_key] as const].some(
            ([known]) => known === key,
          ),
        );
      },
    },
  };
}

function authorityQueries(chain: () => Chain): Methods {
  const state = () => chain().state;
  const transaction = (json: Json = null) => Transaction.parse(state().codec, json);
  const keys = (json: Json = null) =>
    asArray(json).map((text) => parsePublicKeyText(asString(text), state().codec.prefix));
  const print = (found: readonly string[]) => found.map((key) => publicKeyText(key, state().codec.prefix));
  return {
    get_transaction_hex: { required: 1, run: ([tx]) => transaction(tx).packedSigned().toString("hex") },
    get_transaction_hex_without_sig: { required: 1, run: ([tx]) => transaction(tx).unsigned.toString("hex") },
    get_required_signatures: {
      required: 2,
      run: ([tx, offered]) => print(requiredKeys(state(), transaction(tx), keys(offered))),
    },
    get_potential_signatures: { required: 1, run: ([tx]) => print(potentialKeys(state(), transaction(tx))) },
    get_potential_address_signatures: {
      required: 1,
      run: ([tx]) => {
        transaction(tx);
        return [];
      },
    },
    verify_authority: {
      required: 1,
      run: ([tx]) => {
        const parsed = transaction(tx);
        verifyAuthority(state(), parsed, parsed.signatureKeys(state().chainId));
        return true;
      },
    },
    verify_account_authority: {
      required: 2,
      run: ([account = null, offered]) => satisfies(state(), getAccount(state(), account).id, keys(offered)),
    },
    validate_transaction: {
      required: 1,
      run: ([tx]) => {
        const parsed = transaction(tx);
        return new RawJson(parsed.processedJson(chain().dryRun(parsed)));
      },
    },
  };
}
