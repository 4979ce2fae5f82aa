// Who may do what in the database: one role for each kind of process, the least that it needs, in one place. ADR 0020.
// A table or function that is not here may be used by its owner alone; test/ledger/rights.db.test.ts names it.

/** Each kind of process, and `operator` for the command line. The owner, who migrates, is none of them. */
export const PROCESS_ROLES = [
  "backup",
  "console",
  "ingester",
  "operator",
  "payer",
  "scheduler",
  "watcher",
] as const;
export type ProcessRole = (typeof PROCESS_ROLES)[number];

/** The role in PostgreSQL: a group without a login. Logins are members of it. */
export const groupOf = (role: ProcessRole): string => `stakebts_${role}`;

/** What GRANT says between itself and ON. There is no DELETE and no TRUNCATE of anything in the ledger. */
type Rights = Readonly<Partial<Record<ProcessRole, string>>>;

interface TableRights {
  /** Which roles read it; every role if this is missing. */
  readonly readers?: readonly ProcessRole[];
  readonly write: Rights;
}

/** What a step of a payout changes of it. A block and a time of payment are written by `confirm_payouts` alone. */
const MOVE_PAYOUT =
  "UPDATE (status, reason, waiting_since, attempts, uncounted_attempts, enqueued_at, enqueued_again, updated_at)";
const WRITE_RECEIPT = "INSERT (event, subject, chain_time_ms, details)";
/** Who deletes a job locks it first, which takes the right to change something: here its place among the others. */
const CLAIM_JOBS = "INSERT, DELETE, UPDATE (id)";
const APPROVE = "INSERT (payout_id, payee, amount, approver, reason)";
const MOVE_TOP_UP =
  "UPDATE (status, reason, asks, asked_at, exchange_id, txid, venue_status, bytes, ref_block_num, expiration_ms, arrived_block, arrived_trx, arrived_op, updated_at)";
const FOUND_IN_BLOCK = "UPDATE (status, block_num, trx_in_block, op_in_trx, updated_at)";
/** Of the one row with the recovery hold; the writer's epoch is the payer's alone. */
const RECOVERY_HOLD =
  "recovery_hold_until_ms, recovery_hold_from_block_num, recovery_hold_reason, database_identity, updated_at";

export const TABLE_RIGHTS: Readonly<Record<string, TableRights>> = {
  chain_cursor: { write: { ingester: "INSERT, UPDATE", operator: "INSERT, UPDATE" } },
  transfer: {
    write: {
      ingester: "INSERT",
      scheduler: "UPDATE (status, outcome, reason)",
      operator: "INSERT, UPDATE (status, outcome, reason)",
    },
  },
  agreement: { write: { scheduler: "INSERT", operator: "INSERT" } },
  // What no transfer on the chain vouches for: only people may write it.
  imported_agreement: {
    write: { operator: "INSERT (block_start, trx_idx, ops_idx)", watcher: "UPDATE (checked_at)" },
  },
  stake_row: { write: { scheduler: "INSERT, UPDATE (status)", operator: "INSERT, UPDATE (status)" } },
  payout: {
    write: {
      ingester: MOVE_PAYOUT,
      scheduler: `INSERT, ${MOVE_PAYOUT}`,
      payer: MOVE_PAYOUT,
      operator: `INSERT, ${MOVE_PAYOUT}`,
    },
  },
  // Written by `confirm_payouts`. Only a watcher says there what it has held against the chain.
  settlement: { write: { watcher: "UPDATE (checked_at)" } },
  payout_stake_row: { write: { scheduler: "INSERT", operator: "INSERT" } },
  // No role inserts: signed bytes are saved by `save_withdrawals`, which only the payer may call.
  withdrawal: {
    write: {
      ingester: FOUND_IN_BLOCK,
      payer: "UPDATE (status, refused_for, updated_at)",
      operator: FOUND_IN_BLOCK,
    },
  },
  top_up: {
    write: {
      ingester: MOVE_TOP_UP,
      scheduler: `INSERT, ${MOVE_TOP_UP}`,
      payer: `INSERT, ${MOVE_TOP_UP}`,
      operator: `INSERT, ${MOVE_TOP_UP}`,
    },
  },
  outbox: {
    write: {
      ingester: CLAIM_JOBS,
      scheduler: CLAIM_JOBS,
      payer: CLAIM_JOBS,
      operator: CLAIM_JOBS,
    },
  },
  // Neither its number, nor when and with which login it was written.
  receipt: {
    write: {
      backup: WRITE_RECEIPT,
      console: WRITE_RECEIPT,
      ingester: WRITE_RECEIPT,
      operator: WRITE_RECEIPT,
      payer: WRITE_RECEIPT,
      scheduler: WRITE_RECEIPT,
      watcher: WRITE_RECEIPT,
    },
  },
  watcher_note: { write: { watcher: "INSERT (kind, subject, value)" } },
  // Written by `requeue_payout`.
  payout_request: { write: {} },
  // Written by `ask_to_cancel`.
  cancel_request: { write: {} },
  // Ordered and ended by `order_replay` and `end_replay`. An ingester says how far it is.
  replay_order: {
    write: { ingester: "UPDATE (next_block, transfers_added, started_at, ended_at, remark)" },
  },
  hash_chain_entry: { write: { scheduler: "INSERT" } },
  control: {
    write: {
      // The right to lock the row, so that no payer reckons with what they are about to change.
      console: "UPDATE (updated_at)",
      scheduler: "UPDATE (updated_at)",
      ingester: `UPDATE (${RECOVERY_HOLD})`,
      payer: "UPDATE (writer_epoch, updated_at)",
      operator: `UPDATE (${RECOVERY_HOLD}, processed_elsewhere_up_to_block_num)`,
    },
  },
  // Written by `add_freeze` and `end_freeze`, which say who may add what and who may end it.
  ledger_freeze: { write: {} },
  // Written by `set_event_aside` and `resume_event`, for people.
  event_set_aside: { write: {} },
  // Written once, by `bind_ledger`.
  ledger_account: { write: {} },
  payment_limits: { write: { operator: "INSERT" } },
  memo_key: {
    write: {
      ingester: "INSERT (public_key, since_block_num)",
      operator: "INSERT (public_key, since_block_num)",
    },
  },
  // What two people say, with the login of operators: the payer does without the memos that only such a key opens.
  lost_memo_key: { write: { operator: "INSERT (public_key, actor, agreed_by, reason)" } },
  // An order, and no more: ingester and watcher believe nodes, not the row.
  passed_block: { write: { operator: "INSERT" } },
  // What a person vouches for, with the login of operators: the watcher reckons with it.
  balance_adjustment: { write: { operator: "INSERT (amount_shares, actor, reason)" } },
  recorded_transfer: {
    write: {
      operator:
        "INSERT (block_num, trx_in_block, op_in_trx, proposal_block, proposal_trx, proposal_op, proposed_op, actor, reason)",
    },
  },
  // A row is one person's approval. `release_approved` and `save_withdrawals` decide whether it releases the payout.
  payout_approval: { write: { console: APPROVE, operator: APPROVE } },
  console_user: {
    readers: ["backup", "console", "operator"],
    write: { operator: "INSERT, UPDATE (role, password_hash, disabled, updated_at)" },
  },
  // A session that has ended is deleted: it is no part of the ledger.
  console_session: {
    readers: ["backup", "console", "operator"],
    write: { console: "INSERT, UPDATE (seen_at), DELETE", operator: "DELETE" },
  },
  notification: {
    write: {
      scheduler: "INSERT, UPDATE (status, attempts, try_at, problem, sent_at)",
      operator: "INSERT, UPDATE (status, attempts, try_at, problem, sent_at)",
    },
  },
  notified_receipt: { write: { scheduler: "INSERT" } },
  _prisma_migrations: { write: {} },
};

/** Everything else may be called by its owner alone, or is called by a trigger, which asks for no right. */
export const FUNCTION_RIGHTS: Readonly<
  Record<string, { readonly callers: readonly ProcessRole[]; readonly asOwner: boolean }>
> = {
  bind_ledger: { callers: ["ingester", "operator", "payer", "watcher"], asOwner: true },
  save_withdrawal: { callers: ["payer"], asOwner: true },
  save_withdrawals: { callers: ["payer"], asOwner: true },
  create_notice: { callers: ["ingester", "operator", "payer"], asOwner: true },
  confirm_payouts: { callers: ["console", "ingester", "operator", "scheduler"], asOwner: true },
  requeue_payout: { callers: ["console", "operator"], asOwner: true },
  release_approved: { callers: ["console", "operator"], asOwner: true },
  hold_payout: { callers: ["console", "operator"], asOwner: true },
  ask_to_cancel: { callers: ["console", "operator"], asOwner: true },
  asked_to_cancel: { callers: ["console", "operator"], asOwner: false },
  cancel_payout: { callers: ["console", "operator"], asOwner: true },
  order_replay: { callers: ["console", "operator"], asOwner: true },
  end_replay: { callers: ["console", "operator"], asOwner: true },
  limit_payment: { callers: ["payer"], asOwner: true },
  add_freeze: {
    callers: ["console", "ingester", "operator", "payer", "scheduler", "watcher"],
    asOwner: true,
  },
  end_freeze: { callers: ["console", "ingester", "operator", "payer", "scheduler"], asOwner: true },
  read_transfers: { callers: ["ingester", "operator"], asOwner: true },
  set_event_aside: { callers: ["console", "operator"], asOwner: true },
  resume_event: { callers: ["console", "operator"], asOwner: true },
  acts_for: { callers: [], asOwner: false },
  needs_person: { callers: [], asOwner: false },
  nothing_was_sent: { callers: [], asOwner: false },
  is_set_aside: { callers: [], asOwner: false },
  is_frozen: { callers: [], asOwner: false },
  is_returned: { callers: [], asOwner: false },
  is_on_recovery_hold: { callers: [], asOwner: false },
  // Called by a trigger on `control`, with the rights of whichever process changes that row.
  recovery_hold_is_passed: { callers: PROCESS_ROLES, asOwner: false },
  deposit_nonces: { callers: [], asOwner: false },
  // Called by a trigger on `payout`, with the rights of the process that writes there.
  login_is: { callers: PROCESS_ROLES, asOwner: false },
  is_approved: { callers: [], asOwner: false },
  written_by_one_of: { callers: ["console", "operator"], asOwner: false },
  database_identity: { callers: PROCESS_ROLES, asOwner: false },
  operation_name: { callers: PROCESS_ROLES, asOwner: false },
  ensure_process_roles: { callers: [], asOwner: false },
};

/** Processes that job, or work at a job, where queues are in PostgreSQL. Jobs are no part of the ledger: they go. */
export const QUEUE_USERS: readonly ProcessRole[] = ["console", "ingester", "operator", "payer", "scheduler"];
