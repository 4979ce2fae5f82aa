import type { WireType } from "./wire-types.ts";

/*
 * Every operation and every operation result of the chain, from the protocol's own definitions (FC_REFLECT in bitshares-core,
 * libraries/protocol/include/graphene/protocol). Fields are in the order in which they are packed.
 *
 * bitsharesjs knows most of them too and is what the tests compare with. It is not used here: it puts every public key on the
 * curve, leaves out options it does not know, and has no operation past 74.
 */

const uint8: WireType = { kind: "uint8" };
const uint16: WireType = { kind: "uint16" };
const uint32: WireType = { kind: "uint32" };
const uint64: WireType = { kind: "uint64" };
const int64: WireType = { kind: "int64" };
const bool: WireType = { kind: "bool" };
const varint: WireType = { kind: "varint" };
const time: WireType = { kind: "time" };
const string: WireType = { kind: "string" };
const bytes: WireType = { kind: "bytes" };
const key: WireType = { kind: "key" };
const address: WireType = { kind: "address" };
const vote: WireType = { kind: "vote" };
const objectId: WireType = { kind: "objectId" };
const nothing: WireType = { kind: "void" };

const fixed = (length: number): WireType => ({ kind: "fixed", length });
const id = (prefix: string): WireType => ({ kind: "id", prefix });
const optional = (of: WireType): WireType => ({ kind: "optional", of });
const list = (of: WireType): WireType => ({ kind: "list", of });
const pair = (first: WireType, second: WireType): WireType => ({ kind: "pair", first, second });
const map = (name: WireType, value: WireType): WireType => list(pair(name, value));
const struct = (fields: Record<string, WireType>): WireType => ({
  kind: "struct",
  fields: Object.entries(fields),
});
const variant = (...types: WireType[]): WireType => ({ kind: "variant", types });
const extension = (fields: Record<string, WireType>): WireType => ({
  kind: "extension",
  fields: Object.entries(fields),
});
const later = (type: () => WireType): WireType => ({ kind: "later", type });

const account = id("1.2.");
const assetId = id("1.3.");
const forceSettlement = id("1.4.");
const committeeMember = id("1.5.");
const witness = id("1.6.");
const limitOrder = id("1.7.");
const callOrder = id("1.8.");
const customId = id("1.9.");
const proposal = id("1.10.");
const withdrawPermission = id("1.12.");
const vestingBalance = id("1.13.");
const worker = id("1.14.");
const balance = id("1.15.");
const htlc = id("1.16.");
const customAuthority = id("1.17.");
const ticket = id("1.18.");
const liquidityPool = id("1.19.");
const sametFund = id("1.20.");
const creditOffer = id("1.21.");
const creditDeal = id("1.22.");

/** A set of extensions of which there is only the empty one so far: one that is there is its tag, and nothing else. */
const extensions: WireType = list(variant(nothing));

const asset = struct({ amount: int64, asset_id: assetId });
const price = struct({ base: asset, quote: asset });
const memo = struct({ from: key, to: key, nonce: uint64, message: bytes });

const authority = struct({
  weight_threshold: uint32,
  account_auths: map(account, uint16),
  key_auths: map(key, uint16),
  address_auths: map(address, uint16),
});
const specialAuthority = variant(struct({}), struct({ asset: assetId, num_top_holders: uint8 }));
const accountOptions = struct({
  memo_key: key,
  voting_account: account,
  num_witness: uint16,
  num_committee: uint16,
  votes: list(vote),
  extensions: extension({
    committee_voting_account: account,
    witness_voting_account: account,
    worker_voting_account: account,
  }),
});

const assetOptions = struct({
  max_supply: int64,
  market_fee_percent: uint16,
  max_market_fee: int64,
  issuer_permissions: uint16,
  flags: uint16,
  core_exchange_rate: price,
  whitelist_authorities: list(account),
  blacklist_authorities: list(account),
  whitelist_markets: list(assetId),
  blacklist_markets: list(assetId),
  description: string,
  extensions: extension({
    reward_percent: uint16,
    whitelist_market_fee_sharing: list(account),
    taker_fee_percent: uint16,
  }),
});
const bitassetOptions = struct({
  feed_lifetime_sec: uint32,
  minimum_feeds: uint8,
  force_settlement_delay_sec: uint32,
  force_settlement_offset_percent: uint16,
  maximum_force_settlement_volume: uint16,
  short_backing_asset: assetId,
  extensions: extension({
    initial_collateral_ratio: uint16,
    maintenance_collateral_ratio: uint16,
    maximum_short_squeeze_ratio: uint16,
    margin_call_fee_ratio: uint16,
    force_settle_fee_percent: uint16,
    black_swan_response_method: uint8,
  }),
});
const priceFeed = struct({
  settlement_price: price,
  maintenance_collateral_ratio: uint16,
  maximum_short_squeeze_ratio: uint16,
  core_exchange_rate: price,
});

const limitOrderActions = list(
  variant(
    struct({
      fee_asset_id: assetId,
      spread_percent: uint16,
      size_percent: uint16,
      expiration_seconds: uint32,
      repeat: bool,
      extensions,
    }),
  ),
);

const htlcHash = variant(fixed(20), fixed(20), fixed(32), fixed(20));

const blindInput = struct({ commitment: fixed(33), owner: authority });
const blindOutput = struct({
  commitment: fixed(33),
  range_proof: bytes,
  owner: authority,
  stealth_memo: optional(struct({ one_time_key: key, to: optional(key), encrypted_memo: bytes })),
});

const ids = [
  account,
  assetId,
  forceSettlement,
  committeeMember,
  witness,
  limitOrder,
  callOrder,
  customId,
  proposal,
  withdrawPermission,
  vestingBalance,
  worker,
  balance,
];
const restriction: WireType = later(() => restrictionFields);
const restrictionFields = struct({
  member_index: varint,
  restriction_type: varint,
  argument: variant(
    nothing,
    bool,
    int64,
    string,
    time,
    key,
    fixed(32),
    ...ids,
    list(bool),
    list(int64),
    list(string),
    list(time),
    list(key),
    list(fixed(32)),
    ...ids.map(list),
    list(restriction),
    list(list(restriction)),
    pair(int64, list(restriction)),
  ),
  extensions,
});

const fee = struct({ fee: uint64 });
const feeAndSize = struct({ fee: uint64, price_per_kbyte: uint32 });
const feeAndOutputs = struct({ fee: uint64, price_per_output: uint32 });
const feeAndDays = struct({ fee: uint64, fee_per_day: uint64 });
const basicFee = struct({ basic_fee: uint64, price_per_byte: uint32 });
const free = struct({});

/** By tag: name, what the operation is made of, and the parameters of its fee. */
export const OPERATION_TYPES: readonly (readonly [name: string, body: WireType, feeParameters: WireType])[] =
  [
    [
      "transfer",
      struct({ fee: asset, from: account, to: account, amount: asset, memo: optional(memo), extensions }),
      feeAndSize,
    ],
    [
      "limit_order_create",
      struct({
        fee: asset,
        seller: account,
        amount_to_sell: asset,
        min_to_receive: asset,
        expiration: time,
        fill_or_kill: bool,
        extensions: extension({ on_fill: limitOrderActions }),
      }),
      fee,
    ],
    [
      "limit_order_cancel",
      struct({ fee: asset, fee_paying_account: account, order: limitOrder, extensions }),
      fee,
    ],
    [
      "call_order_update",
      struct({
        fee: asset,
        funding_account: account,
        delta_collateral: asset,
        delta_debt: asset,
        extensions: extension({ target_collateral_ratio: uint16 }),
      }),
      fee,
    ],
    [
      "fill_order",
      struct({
        fee: asset,
        order_id: objectId,
        account_id: account,
        pays: asset,
        receives: asset,
        fill_price: price,
        is_maker: bool,
      }),
      free,
    ],
    [
      "account_create",
      struct({
        fee: asset,
        registrar: account,
        referrer: account,
        referrer_percent: uint16,
        name: string,
        owner: authority,
        active: authority,
        options: accountOptions,
        extensions: extension({
          null_ext: nothing,
          owner_special_authority: specialAuthority,
          active_special_authority: specialAuthority,
          buyback_options: struct({
            asset_to_buy: assetId,
            asset_to_buy_issuer: account,
            markets: list(assetId),
          }),
        }),
      }),
      struct({ basic_fee: uint64, premium_fee: uint64, price_per_kbyte: uint32 }),
    ],
    [
      "account_update",
      struct({
        fee: asset,
        account,
        owner: optional(authority),
        active: optional(authority),
        new_options: optional(accountOptions),
        extensions: extension({
          null_ext: nothing,
          owner_special_authority: specialAuthority,
          active_special_authority: specialAuthority,
        }),
      }),
      struct({ fee: int64, price_per_kbyte: uint32 }),
    ],
    [
      "account_whitelist",
      struct({
        fee: asset,
        authorizing_account: account,
        account_to_list: account,
        new_listing: uint8,
        extensions,
      }),
      struct({ fee: int64 }),
    ],
    [
      "account_upgrade",
      struct({ fee: asset, account_to_upgrade: account, upgrade_to_lifetime_member: bool, extensions }),
      struct({ membership_annual_fee: uint64, membership_lifetime_fee: uint64 }),
    ],
    ["account_transfer", struct({ fee: asset, account_id: account, new_owner: account, extensions }), fee],
    [
      "asset_create",
      struct({
        fee: asset,
        issuer: account,
        symbol: string,
        precision: uint8,
        common_options: assetOptions,
        bitasset_opts: optional(bitassetOptions),
        is_prediction_market: bool,
        extensions,
      }),
      struct({ symbol3: uint64, symbol4: uint64, long_symbol: uint64, price_per_kbyte: uint32 }),
    ],
    [
      "asset_update",
      struct({
        fee: asset,
        issuer: account,
        asset_to_update: assetId,
        new_issuer: optional(account),
        new_options: assetOptions,
        extensions: extension({ new_precision: uint8, skip_core_exchange_rate: bool }),
      }),
      feeAndSize,
    ],
    [
      "asset_update_bitasset",
      struct({
        fee: asset,
        issuer: account,
        asset_to_update: assetId,
        new_options: bitassetOptions,
        extensions,
      }),
      fee,
    ],
    [
      "asset_update_feed_producers",
      struct({
        fee: asset,
        issuer: account,
        asset_to_update: assetId,
        new_feed_producers: list(account),
        extensions,
      }),
      fee,
    ],
    [
      "asset_issue",
      struct({
        fee: asset,
        issuer: account,
        asset_to_issue: asset,
        issue_to_account: account,
        memo: optional(memo),
        extensions,
      }),
      feeAndSize,
    ],
    ["asset_reserve", struct({ fee: asset, payer: account, amount_to_reserve: asset, extensions }), fee],
    [
      "asset_fund_fee_pool",
      struct({ fee: asset, from_account: account, asset_id: assetId, amount: int64, extensions }),
      fee,
    ],
    ["asset_settle", struct({ fee: asset, account, amount: asset, extensions }), fee],
    [
      "asset_global_settle",
      struct({ fee: asset, issuer: account, asset_to_settle: assetId, settle_price: price, extensions }),
      fee,
    ],
    [
      "asset_publish_feed",
      struct({
        fee: asset,
        publisher: account,
        asset_id: assetId,
        feed: priceFeed,
        extensions: extension({ initial_collateral_ratio: uint16 }),
      }),
      fee,
    ],
    [
      "witness_create",
      struct({ fee: asset, witness_account: account, url: string, block_signing_key: key }),
      fee,
    ],
    [
      "witness_update",
      struct({
        fee: asset,
        witness,
        witness_account: account,
        new_url: optional(string),
        new_signing_key: optional(key),
      }),
      struct({ fee: int64 }),
    ],
    [
      "proposal_create",
      struct({
        fee: asset,
        fee_paying_account: account,
        expiration_time: time,
        proposed_ops: list(struct({ op: later(() => OPERATION) })),
        review_period_seconds: optional(uint32),
        extensions,
      }),
      feeAndSize,
    ],
    [
      "proposal_update",
      struct({
        fee: asset,
        fee_paying_account: account,
        proposal,
        active_approvals_to_add: list(account),
        active_approvals_to_remove: list(account),
        owner_approvals_to_add: list(account),
        owner_approvals_to_remove: list(account),
        key_approvals_to_add: list(key),
        key_approvals_to_remove: list(key),
        extensions,
      }),
      feeAndSize,
    ],
    [
      "proposal_delete",
      struct({ fee: asset, fee_paying_account: account, using_owner_authority: bool, proposal, extensions }),
      fee,
    ],
    [
      "withdraw_permission_create",
      struct({
        fee: asset,
        withdraw_from_account: account,
        authorized_account: account,
        withdrawal_limit: asset,
        withdrawal_period_sec: uint32,
        periods_until_expiration: uint32,
        period_start_time: time,
      }),
      fee,
    ],
    [
      "withdraw_permission_update",
      struct({
        fee: asset,
        withdraw_from_account: account,
        authorized_account: account,
        permission_to_update: withdrawPermission,
        withdrawal_limit: asset,
        withdrawal_period_sec: uint32,
        period_start_time: time,
        periods_until_expiration: uint32,
      }),
      fee,
    ],
    [
      "withdraw_permission_claim",
      struct({
        fee: asset,
        withdraw_permission: withdrawPermission,
        withdraw_from_account: account,
        withdraw_to_account: account,
        amount_to_withdraw: asset,
        memo: optional(memo),
      }),
      feeAndSize,
    ],
    [
      "withdraw_permission_delete",
      struct({
        fee: asset,
        withdraw_from_account: account,
        authorized_account: account,
        withdrawal_permission: withdrawPermission,
      }),
      fee,
    ],
    ["committee_member_create", struct({ fee: asset, committee_member_account: account, url: string }), fee],
    [
      "committee_member_update",
      struct({
        fee: asset,
        committee_member: committeeMember,
        committee_member_account: account,
        new_url: optional(string),
      }),
      fee,
    ],
    [
      "committee_member_update_global_parameters",
      struct({ fee: asset, new_parameters: later(() => CHAIN_PARAMETERS) }),
      fee,
    ],
    [
      "vesting_balance_create",
      struct({
        fee: asset,
        creator: account,
        owner: account,
        amount: asset,
        policy: variant(
          struct({ begin_timestamp: time, vesting_cliff_seconds: uint32, vesting_duration_seconds: uint32 }),
          struct({ start_claim: time, vesting_seconds: uint32 }),
          struct({}),
        ),
      }),
      fee,
    ],
    [
      "vesting_balance_withdraw",
      struct({ fee: asset, vesting_balance: vestingBalance, owner: account, amount: asset }),
      fee,
    ],
    [
      "worker_create",
      struct({
        fee: asset,
        owner: account,
        work_begin_date: time,
        work_end_date: time,
        daily_pay: int64,
        name: string,
        url: string,
        initializer: variant(struct({}), struct({ pay_vesting_period_days: uint16 }), struct({})),
      }),
      fee,
    ],
    [
      "custom",
      struct({ fee: asset, payer: account, required_auths: list(account), id: uint16, data: bytes }),
      feeAndSize,
    ],
    [
      "assert",
      struct({
        fee: asset,
        fee_paying_account: account,
        predicates: list(
          variant(
            struct({ account_id: account, name: string }),
            struct({ asset_id: assetId, symbol: string }),
            struct({ id: fixed(20) }),
          ),
        ),
        required_auths: list(account),
        extensions,
      }),
      fee,
    ],
    [
      "balance_claim",
      struct({
        fee: asset,
        deposit_to_account: account,
        balance_to_claim: balance,
        balance_owner_key: key,
        total_claimed: asset,
      }),
      free,
    ],
    [
      "override_transfer",
      struct({
        fee: asset,
        issuer: account,
        from: account,
        to: account,
        amount: asset,
        memo: optional(memo),
        extensions,
      }),
      feeAndSize,
    ],
    [
      "transfer_to_blind",
      struct({
        fee: asset,
        amount: asset,
        from: account,
        blinding_factor: fixed(32),
        outputs: list(blindOutput),
      }),
      feeAndOutputs,
    ],
    [
      "blind_transfer",
      struct({ fee: asset, inputs: list(blindInput), outputs: list(blindOutput) }),
      feeAndOutputs,
    ],
    [
      "transfer_from_blind",
      struct({
        fee: asset,
        amount: asset,
        to: account,
        blinding_factor: fixed(32),
        inputs: list(blindInput),
      }),
      fee,
    ],
    [
      "asset_settle_cancel",
      struct({ fee: asset, settlement: forceSettlement, account, amount: asset }),
      free,
    ],
    [
      "asset_claim_fees",
      struct({
        fee: asset,
        issuer: account,
        amount_to_claim: asset,
        extensions: extension({ claim_from_asset_id: assetId }),
      }),
      fee,
    ],
    ["fba_distribute", struct({ fee: asset, account_id: account, fba_id: objectId, amount: int64 }), free],
    [
      "bid_collateral",
      struct({ fee: asset, bidder: account, additional_collateral: asset, debt_covered: asset, extensions }),
      fee,
    ],
    ["execute_bid", struct({ fee: asset, bidder: account, debt: asset, collateral: asset }), free],
    [
      "asset_claim_pool",
      struct({ fee: asset, issuer: account, asset_id: assetId, amount_to_claim: asset, extensions }),
      fee,
    ],
    [
      "asset_update_issuer",
      struct({ fee: asset, issuer: account, asset_to_update: assetId, new_issuer: account, extensions }),
      fee,
    ],
    [
      "htlc_create",
      struct({
        fee: asset,
        from: account,
        to: account,
        amount: asset,
        preimage_hash: htlcHash,
        preimage_size: uint16,
        claim_period_seconds: uint32,
        extensions: extension({ memo }),
      }),
      feeAndDays,
    ],
    [
      "htlc_redeem",
      struct({ fee: asset, htlc_id: htlc, redeemer: account, preimage: bytes, extensions }),
      struct({ fee: uint64, fee_per_kb: uint64 }),
    ],
    [
      "htlc_redeemed",
      struct({
        fee: asset,
        htlc_id: htlc,
        from: account,
        to: account,
        redeemer: account,
        amount: asset,
        htlc_preimage_hash: htlcHash,
        htlc_preimage_size: uint16,
        preimage: bytes,
      }),
      free,
    ],
    [
      "htlc_extend",
      struct({ fee: asset, htlc_id: htlc, update_issuer: account, seconds_to_add: uint32, extensions }),
      feeAndDays,
    ],
    [
      "htlc_refund",
      struct({
        fee: asset,
        htlc_id: htlc,
        to: account,
        original_htlc_recipient: account,
        htlc_amount: asset,
        htlc_preimage_hash: htlcHash,
        htlc_preimage_size: uint16,
      }),
      free,
    ],
    [
      "custom_authority_create",
      struct({
        fee: asset,
        account,
        enabled: bool,
        valid_from: time,
        valid_to: time,
        operation_type: varint,
        auth: authority,
        restrictions: list(restriction),
        extensions,
      }),
      basicFee,
    ],
    [
      "custom_authority_update",
      struct({
        fee: asset,
        account,
        authority_to_update: customAuthority,
        new_enabled: optional(bool),
        new_valid_from: optional(time),
        new_valid_to: optional(time),
        new_auth: optional(authority),
        restrictions_to_remove: list(uint16),
        restrictions_to_add: list(restriction),
        extensions,
      }),
      basicFee,
    ],
    [
      "custom_authority_delete",
      struct({ fee: asset, account, authority_to_delete: customAuthority, extensions }),
      fee,
    ],
    ["ticket_create", struct({ fee: asset, account, target_type: varint, amount: asset, extensions }), fee],
    [
      "ticket_update",
      struct({
        fee: asset,
        ticket,
        account,
        target_type: varint,
        amount_for_new_target: optional(asset),
        extensions,
      }),
      fee,
    ],
    [
      "liquidity_pool_create",
      struct({
        fee: asset,
        account,
        asset_a: assetId,
        asset_b: assetId,
        share_asset: assetId,
        taker_fee_percent: uint16,
        withdrawal_fee_percent: uint16,
        // Of a release to come; an empty one has the same bytes as before.
        extensions: extension({ pool_type: uint8, amplification: uint64 }),
      }),
      fee,
    ],
    ["liquidity_pool_delete", struct({ fee: asset, account, pool: liquidityPool, extensions }), fee],
    [
      "liquidity_pool_deposit",
      struct({ fee: asset, account, pool: liquidityPool, amount_a: asset, amount_b: asset, extensions }),
      fee,
    ],
    [
      "liquidity_pool_withdraw",
      struct({
        fee: asset,
        account,
        pool: liquidityPool,
        share_amount: asset,
        extensions: extension({ withdraw_one_asset: assetId, min_to_receive: asset }), // of a release to come
      }),
      fee,
    ],
    [
      "liquidity_pool_exchange",
      struct({
        fee: asset,
        account,
        pool: liquidityPool,
        amount_to_sell: asset,
        min_to_receive: asset,
        extensions,
      }),
      fee,
    ],
    [
      "samet_fund_create",
      struct({
        fee: asset,
        owner_account: account,
        asset_type: assetId,
        balance: int64,
        fee_rate: uint32,
        extensions,
      }),
      fee,
    ],
    [
      "samet_fund_delete",
      struct({ fee: asset, owner_account: account, fund_id: sametFund, extensions }),
      fee,
    ],
    [
      "samet_fund_update",
      struct({
        fee: asset,
        owner_account: account,
        fund_id: sametFund,
        delta_amount: optional(asset),
        new_fee_rate: optional(uint32),
        extensions,
      }),
      fee,
    ],
    [
      "samet_fund_borrow",
      struct({ fee: asset, borrower: account, fund_id: sametFund, borrow_amount: asset, extensions }),
      fee,
    ],
    [
      "samet_fund_repay",
      struct({ fee: asset, account, fund_id: sametFund, repay_amount: asset, fund_fee: asset, extensions }),
      fee,
    ],
    [
      "credit_offer_create",
      struct({
        fee: asset,
        owner_account: account,
        asset_type: assetId,
        balance: int64,
        fee_rate: uint32,
        max_duration_seconds: uint32,
        min_deal_amount: int64,
        enabled: bool,
        auto_disable_time: time,
        acceptable_collateral: map(assetId, price),
        acceptable_borrowers: map(account, int64),
        extensions,
      }),
      feeAndSize,
    ],
    [
      "credit_offer_delete",
      struct({ fee: asset, owner_account: account, offer_id: creditOffer, extensions }),
      fee,
    ],
    [
      "credit_offer_update",
      struct({
        fee: asset,
        owner_account: account,
        offer_id: creditOffer,
        delta_amount: optional(asset),
        fee_rate: optional(uint32),
        max_duration_seconds: optional(uint32),
        min_deal_amount: optional(int64),
        enabled: optional(bool),
        auto_disable_time: optional(time),
        acceptable_collateral: optional(map(assetId, price)),
        acceptable_borrowers: optional(map(account, int64)),
        extensions,
      }),
      feeAndSize,
    ],
    [
      "credit_offer_accept",
      struct({
        fee: asset,
        borrower: account,
        offer_id: creditOffer,
        borrow_amount: asset,
        collateral: asset,
        max_fee_rate: uint32,
        min_duration_seconds: uint32,
        extensions: extension({ auto_repay: uint8 }),
      }),
      fee,
    ],
    [
      "credit_deal_repay",
      struct({
        fee: asset,
        account,
        deal_id: creditDeal,
        repay_amount: asset,
        credit_fee: asset,
        extensions,
      }),
      fee,
    ],
    [
      "credit_deal_expired",
      struct({
        fee: asset,
        deal_id: creditDeal,
        offer_id: creditOffer,
        offer_owner: account,
        borrower: account,
        unpaid_amount: asset,
        collateral: asset,
        fee_rate: uint32,
      }),
      free,
    ],
    [
      "liquidity_pool_update",
      struct({
        fee: asset,
        account,
        pool: liquidityPool,
        taker_fee_percent: optional(uint16),
        withdrawal_fee_percent: optional(uint16),
        extensions,
      }),
      fee,
    ],
    [
      "credit_deal_update",
      struct({ fee: asset, account, deal_id: creditDeal, auto_repay: uint8, extensions }),
      fee,
    ],
    [
      "limit_order_update",
      struct({
        fee: asset,
        seller: account,
        order: limitOrder,
        new_price: optional(price),
        delta_amount_to_sell: optional(asset),
        new_expiration: optional(time),
        on_fill: optional(limitOrderActions),
        extensions,
      }),
      fee,
    ],
  ];

/** `[tag, body]` */
export const OPERATION: WireType = variant(...OPERATION_TYPES.map(([, body]) => body));

const CHAIN_PARAMETERS = struct({
  current_fees: struct({
    parameters: list(variant(...OPERATION_TYPES.map(([, , feeParameters]) => feeParameters))),
    scale: uint32,
  }),
  block_interval: uint8,
  maintenance_interval: uint32,
  maintenance_skip_slots: uint8,
  committee_proposal_review_period: uint32,
  maximum_transaction_size: uint32,
  maximum_block_size: uint32,
  maximum_time_until_expiration: uint32,
  maximum_proposal_lifetime: uint32,
  maximum_asset_whitelist_authorities: uint8,
  maximum_asset_feed_publishers: uint8,
  maximum_witness_count: uint16,
  maximum_committee_count: uint16,
  maximum_authority_membership: uint16,
  reserve_percent_of_fee: uint16,
  network_percent_of_fee: uint16,
  lifetime_referrer_percent_of_fee: uint16,
  cashback_vesting_period_seconds: uint32,
  cashback_vesting_threshold: int64,
  count_non_member_votes: bool,
  allow_non_member_whitelists: bool,
  witness_pay_per_block: int64,
  witness_pay_vesting_seconds: uint32,
  worker_budget_per_day: int64,
  max_predicate_opcode: uint16,
  fee_liquidation_threshold: int64,
  accounts_per_fee_scale: uint16,
  account_fee_scale_bitshifts: uint8,
  max_authority_depth: uint8,
  extensions: extension({
    updatable_htlc_options: struct({ max_timeout_secs: uint32, max_preimage_size: uint32 }),
    custom_authority_options: struct({
      max_custom_authority_lifetime_seconds: uint32,
      max_custom_authorities_per_account: uint32,
      max_custom_authorities_per_account_op: uint32,
      max_custom_authority_restrictions: uint32,
    }),
    market_fee_network_percent: uint16,
    maker_fee_discount_percent: uint16,
  }),
});

/** Of a transaction. */
export const EXTENSIONS: WireType = extensions;

/** What an operation returned, which blocks made before release 6 hold, and is hashed with them. */
export const OPERATION_RESULTS: WireType = list(
  variant(
    struct({}),
    objectId,
    asset,
    struct({ new_objects: list(objectId), updated_objects: list(objectId), removed_objects: list(objectId) }),
    struct({ paid: list(asset), received: list(asset), fees: list(asset) }),
    extension({
      impacted_accounts: list(account),
      new_objects: list(objectId),
      updated_objects: list(objectId),
      removed_objects: list(objectId),
      paid: list(asset),
      received: list(asset),
      fees: list(asset),
    }),
  ),
);
