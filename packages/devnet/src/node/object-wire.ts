import {
  type Account,
  type AccountStatistics,
  type AssetObject,
  type Balance,
  type ChainState,
  MAINTENANCE_SKIP_SLOTS,
  MAXIMUM_BLOCK_SIZE,
  OTHER_FEES,
  type OperationRecord,
  type WithdrawPermission,
} from "./chain-state.ts";
import type { Wire } from "./json-text.ts";
import { publicKeyText } from "./keys.ts";
import { assertion, at } from "./node-error.ts";
import type { AnyObjectId } from "./variant.ts";
import { wireSigned, wireTime, wireUnsigned } from "./wire-values.ts";
import { asset as assetAmount } from "./wire-types.ts";

/** The chain's objects as the node prints them: names and order of the keys are part of the picture. */

const LIFETIME_END = "2106-02-07T06:28:15";
const EPOCH = "1970-01-01T00:00:00";

export function accountWire(state: ChainState, account: Account): Wire {
  const { types } = state.codec;
  const id = `1.2.${account.id}`;
  return {
    id,
    membership_expiration_date: account.lifetimeMember ? LIFETIME_END : EPOCH,
    registrar: `1.2.${account.registrar}`,
    referrer: `1.2.${account.referrer}`,
    lifetime_referrer: `1.2.${account.lifetimeReferrer}`,
    network_fee_percentage: 2000,
    lifetime_referrer_fee_percentage: account.lifetimeMember ? 8000 : 3000,
    referrer_rewards_percentage: 0,
    name: account.name,
    owner: types.authority.wire(account.owner),
    active: types.authority.wire(account.active),
    options: types.accountOptions.wire(account.options),
    num_committee_voted: 0,
    statistics: `2.6.${account.id}`,
    whitelisting_accounts: [],
    blacklisting_accounts: [],
    whitelisted_accounts: [],
    blacklisted_accounts: [],
    owner_special_authority: [0, {}],
    active_special_authority: [0, {}],
    top_n_control_flags: 0,
    creation_block_num: account.creationBlockNum,
    creation_time: wireTime(account.creationTime),
  };
}

export function statisticsWire(state: ChainState, statistics: AccountStatistics): Wire {
  return {
    id: `2.6.${statistics.owner}`,
    owner: `1.2.${statistics.owner}`,
    name: state.getAccount(statistics.owner).name,
    most_recent_op: `2.9.${statistics.mostRecentEntry}`,
    total_ops: statistics.totalOps,
    removed_ops: statistics.removedOps,
    total_core_in_orders: 0,
    total_core_inactive: 0,
    total_core_pob: 0,
    total_core_pol: 0,
    total_pob_value: 0,
    total_pol_value: 0,
    core_in_balance: wireSigned(state.findBalance(statistics.owner, 0)?.amount ?? 0n),
    has_cashback_vb: false,
    is_voting: false,
    last_vote_time: EPOCH,
    vp_all: 0,
    vp_active: 0,
    vp_committee: 0,
    vp_witness: 0,
    vp_worker: 0,
    vote_tally_time: EPOCH,
    lifetime_fees_paid: wireSigned(statistics.lifetimeFeesPaid),
    pending_fees: wireSigned(statistics.pendingFees),
    pending_vested_fees: wireSigned(statistics.pendingVestedFees),
  };
}

export const balanceWire = (balance: Balance): Wire => ({
  id: `2.5.${balance.id}`,
  owner: `1.2.${balance.owner}`,
  asset_type: `1.3.${balance.assetId}`,
  balance: wireSigned(balance.amount),
  maintenance_flag: false,
});

export const permissionWire = (permission: WithdrawPermission): Wire => ({
  id: `1.12.${permission.id}`,
  withdraw_from_account: `1.2.${permission.from}`,
  authorized_account: `1.2.${permission.authorized}`,
  withdrawal_limit: assetAmount.wire(permission.limit),
  withdrawal_period_sec: permission.periodSeconds,
  period_start_time: wireTime(permission.periodStart),
  expiration: wireTime(permission.expiration),
  claimed_this_period: wireSigned(permission.claimedThisPeriod),
});

export function assetWire(state: ChainState, asset: AssetObject): Wire {
  const issued = asset.id === 0 ? {} : { market_fee_percent: 0, max_market_fee: 0, issuer_permissions: 79 };
  return {
    id: `1.3.${asset.id}`,
    symbol: asset.symbol,
    precision: asset.precision,
    issuer: `1.2.${asset.issuer}`,
    options: {
      max_supply: wireSigned(asset.maxSupply),
      market_fee_percent: 0,
      max_market_fee: wireSigned(asset.maxSupply),
      issuer_permissions: 0,
      ...issued,
      flags: 0,
      core_exchange_rate: {
        base: { amount: wireSigned(asset.coreBase), asset_id: "1.3.0" },
        quote: { amount: wireSigned(asset.quote), asset_id: `1.3.${asset.id}` },
      },
      whitelist_authorities: [],
      blacklist_authorities: [],
      whitelist_markets: [],
      blacklist_markets: [],
      description: "",
      extensions: {},
    },
    dynamic_asset_data_id: `2.3.${asset.id}`,
    creation_block_num: 0,
    creation_time: wireTime(state.genesis.time),
  };
}

export function operationRecordWire(state: ChainState, record: OperationRecord): Wire {
  return {
    id: `1.11.${record.id}`,
    op: state.codec.wire(record.operation),
    result: record.result,
    block_num: record.blockNum,
    trx_in_block: record.trxInBlock,
    op_in_trx: record.opInTrx,
    virtual_op: record.virtualOp,
    is_virtual: false,
    block_time: wireTime(record.blockTime),
  };
}

export function dynamicPropertiesWire(state: ChainState): Wire {
  const { dynamic } = state;
  return {
    id: "2.1.0",
    head_block_number: dynamic.headNum,
    head_block_id: dynamic.headId,
    time: wireTime(dynamic.headTime),
    current_witness: `1.6.${dynamic.currentWitness}`,
    next_maintenance_time: wireTime(dynamic.nextMaintenanceTime),
    last_vote_tally_time: wireTime(dynamic.lastMaintenanceTime),
    last_budget_time: wireTime(dynamic.lastMaintenanceTime),
    witness_budget: 0,
    total_pob: 0,
    total_inactive: 0,
    accounts_registered_this_interval: dynamic.accountsRegistered,
    recently_missed_count: dynamic.recentlyMissed,
    current_aslot: dynamic.slot,
    recent_slots_filled: dynamic.recentSlotsFilled.toString(),
    dynamic_flags: dynamic.maintenanceBlock ? 1 : 0,
    last_irreversible_block_num: dynamic.irreversibleNum,
  };
}

function feeSchedule(state: ChainState): Wire {
  const { transferFee } = state.parameters;
  const priced = ({ fee, pricePerKbyte }: { fee: bigint; pricePerKbyte: bigint }) => ({
    fee: wireUnsigned(fee),
    price_per_kbyte: wireUnsigned(pricePerKbyte),
  });
  return {
    parameters: [
      [0, priced(transferFee)],
      [1, { fee: wireSigned(OTHER_FEES.limitOrderCreate) }],
      [2, { fee: 0 }],
      [
        5,
        {
          basic_fee: wireUnsigned(OTHER_FEES.accountCreate.basic),
          premium_fee: wireUnsigned(OTHER_FEES.accountCreate.premium),
          price_per_kbyte: wireUnsigned(OTHER_FEES.accountCreate.pricePerKbyte),
        },
      ],
      [6, priced(OTHER_FEES.accountUpdate)],
      [
        8,
        {
          membership_annual_fee: wireUnsigned(OTHER_FEES.lifetimeMembership),
          membership_lifetime_fee: wireUnsigned(OTHER_FEES.lifetimeMembership),
        },
      ],
      [25, { fee: wireUnsigned(OTHER_FEES.permissionCreate) }],
      [26, { fee: wireUnsigned(OTHER_FEES.permissionUpdate) }],
      [27, priced(OTHER_FEES.permissionClaim)],
      [28, { fee: 0 }],
      [35, priced(OTHER_FEES.custom)],
    ],
    scale: 10000,
  };
}

export function globalPropertiesWire(state: ChainState): Wire {
  const { genesis } = state;
  const witnesses = [...state.witnesses.keys()];
  return {
    id: "2.0.0",
    parameters: {
      current_fees: feeSchedule(state),
      block_interval: genesis.blockIntervalSeconds,
      maintenance_interval: genesis.maintenanceIntervalSeconds,
      maintenance_skip_slots: MAINTENANCE_SKIP_SLOTS,
      committee_proposal_review_period: 3600,
      maximum_transaction_size: genesis.maximumTransactionSize,
      maximum_block_size: MAXIMUM_BLOCK_SIZE,
      maximum_time_until_expiration: genesis.maximumTimeUntilExpirationSeconds,
      maximum_proposal_lifetime: 2419200,
      maximum_asset_whitelist_authorities: 10,
      maximum_asset_feed_publishers: 10,
      maximum_witness_count: 1001,
      maximum_committee_count: 1001,
      maximum_authority_membership: 10,
      reserve_percent_of_fee: 2000,
      network_percent_of_fee: 2000,
      lifetime_referrer_percent_of_fee: 3000,
      cashback_vesting_period_seconds: 7776000,
      cashback_vesting_threshold: 10000000,
      count_non_member_votes: true,
      allow_non_member_whitelists: false,
      witness_pay_per_block: 0,
      worker_budget_per_day: 0,
      max_predicate_opcode: 1,
      fee_liquidation_threshold: 10000000,
      accounts_per_fee_scale: 1000,
      account_fee_scale_bitshifts: 0,
      max_authority_depth: 2,
      extensions: {},
    },
    next_available_vote_id: witnesses.length * 2,
    active_committee_members: witnesses.map((_, index) => `1.5.${index}`),
    active_witnesses: witnesses.map((id) => `1.6.${id}`),
  };
}

export function chainPropertiesWire(state: ChainState): Wire {
  const count = state.witnesses.size;
  return {
    id: "2.11.0",
    chain_id: state.chainId,
    immutable_parameters: {
      min_committee_member_count: count,
      min_witness_count: count,
      num_special_accounts: 0,
      num_special_assets: 0,
    },
  };
}

function witnessWire(state: ChainState, instance: number): Wire {
  const witness = state.witnesses.get(instance);
  if (witness === undefined) return null;
  return {
    id: `1.6.${instance}`,
    witness_account: `1.2.${witness.account}`,
    last_aslot: witness.lastSlot,
    signing_key: publicKeyText(witness.signingKey, state.codec.prefix),
    vote_id: `1:${instance - 1}`,
    total_votes: 0,
    url: "",
    total_missed: witness.totalMissed,
    last_confirmed_block_num: witness.lastConfirmedBlockNum,
  };
}

/** Types of space 1 and 2 that a real node has an index for. */
const SPACE_SIZES: Readonly<Record<number, number>> = { 1: 23, 2: 20 };

/** One object, `null` if there is none of that instance. A type that does not exist is an error. */
export function objectWire(state: ChainState, { space, type, instance }: AnyObjectId): Wire {
  const size = SPACE_SIZES[space] ?? 0;
  if (size <= type)
    throw assertion("_index[space_id].size() > type_id", at("object_database.cpp", 57, "get_index"), {
      text: "Database index ${space_id}.${type_id} does not exist, space size is ${index[space_id].size}",
      data: { space_id: space, type_id: type, "index[space_id].size": size },
    });
  const found = <T>(value: T | undefined, print: (value: T) => Wire): Wire =>
    value === undefined ? null : print(value);
  const only = (print: (state: ChainState) => Wire): Wire => (instance === 0 ? print(state) : null);
  switch (`${space}.${type}`) {
    case "1.2":
      return found(state.accounts.get(instance), (account) => accountWire(state, account));
    case "1.3":
      return found(state.assets.get(instance), (asset) => assetWire(state, asset));
    case "1.5":
      return found(state.witnesses.get(instance + 1), (witness) => ({
        id: `1.5.${instance}`,
        committee_member_account: `1.2.${witness.account}`,
        vote_id: `0:${state.witnesses.size + instance}`,
        total_votes: 0,
        url: "",
      }));
    case "1.6":
      return witnessWire(state, instance);
    case "1.11":
      return found(state.operations.get(instance), (record) => operationRecordWire(state, record));
    case "1.12":
      return found(state.permissions.get(instance), permissionWire);
    case "2.0":
      return only(globalPropertiesWire);
    case "2.1":
      return only(dynamicPropertiesWire);
    case "2.3":
      return found(state.assets.get(instance), (asset) => ({
        id: `2.3.${instance}`,
        current_supply: wireSigned(state.supplyOf(instance)),
        confidential_supply: 0,
        accumulated_fees: 0,
        accumulated_collateral_fees: 0,
        fee_pool: wireSigned(asset.feePool),
      }));
    case "2.5":
      return found(state.balances.get(instance), balanceWire);
    case "2.6":
      return found(state.statistics.get(instance), (statistics) => statisticsWire(state, statistics));
    case "2.8":
      return instance < 65_536 ? { id: `2.8.${instance}`, block_id: state.blockSummary(instance) } : null;
    case "2.9":
      return found(state.entries.get(instance), (entry) => ({
        id: `2.9.${instance}`,
        account: `1.2.${entry.account}`,
        operation_id: `1.11.${entry.operation}`,
        sequence: entry.sequence,
        next: `2.9.${entry.previousEntry}`,
      }));
    case "2.11":
      return only(chainPropertiesWire);
    case "2.12":
      return only(() => ({
        id: "2.12.0",
        current_shuffled_witnesses: state.rota.order.map((id) => `1.6.${id}`),
      }));
    default:
      return null;
  }
}

/** `get_full_accounts`: one account with everything that hangs on it. */
export function fullAccountWire(state: ChainState, account: Account): Wire {
  const nameOf = (id: number) => state.getAccount(id).name;
  const lists = [
    "vesting_balances",
    "limit_orders",
    "call_orders",
    "settle_orders",
    "proposals",
    "assets",
    "withdraws_from",
    "withdraws_to",
    "htlcs_from",
    "htlcs_to",
  ];
  const statistics = state.statistics.get(account.id);
  const permissions = [...state.permissions.values()];
  return {
    account: accountWire(state, account),
    statistics: statistics === undefined ? null : statisticsWire(state, statistics),
    registrar_name: nameOf(account.registrar),
    referrer_name: nameOf(account.referrer),
    lifetime_referrer_name: nameOf(account.lifetimeReferrer),
    votes: [],
    balances: state.balancesOf(account.id).map(balanceWire),
    ...Object.fromEntries(lists.map((name) => [name, []])),
    withdraws_from: permissions.filter(({ from }) => from === account.id).map(permissionWire),
    withdraws_to: permissions.filter(({ authorized }) => authorized === account.id).map(permissionWire),
    more_data_available: Object.fromEntries(["balances", ...lists].map((name) => [name, false])),
  };
}
