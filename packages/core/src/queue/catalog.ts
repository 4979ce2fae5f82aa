import * as z from "zod";
import type { JobKind } from "./queue.ts";

interface JobSettings {
  /** Queue that carries it, as Bull Board shows it. One queue, one thing at a time. */
  readonly queue: string;
  /** Jobs outlive a deploy: this is a wire format, checked when a job is taken up. */
  readonly data: z.ZodType;
  /** Runs before the job is kept as failed. Its work is not lost: the reconciler enqueues another job. */
  readonly attempts: number;
  readonly backoffMs: number;
}

/** Every kind of job, with its queue, its content and its retries. */
export const catalog = {
  "memo.process": {
    queue: "requests",
    data: z.object({ transfer: z.string() }),
    attempts: 10,
    backoffMs: 1_000,
  },
  "stakes.due": { queue: "due-rows", data: z.object({ dueMs: z.number() }), attempts: 10, backoffMs: 1_000 },
  "payout.pay": {
    queue: "payouts",
    data: z.object({
      payoutId: z.uuid(),
      // Payers of the version before leave these out, and find them among what is due.
      also: z.array(z.uuid()).max(1_000).optional(),
      later: z.boolean().optional(),
    }),
    attempts: 10,
    backoffMs: 1_000,
  },
} as const satisfies Record<JobKind, JobSettings>;

export const JOB_KINDS = Object.keys(catalog) as JobKind[];

export const QUEUE_NAMES: readonly string[] = [...new Set(JOB_KINDS.map((kind) => catalog[kind].queue))];

/** The queue whose jobs end in payments. */
export const MONEY_QUEUE: string = catalog["payout.pay"].queue;

/** Back-off doubles up to this. */
export const BACKOFF_MS_MAX = 60_000;

/**
 * What is done stays for a while, for people who look at the queue; the record of what happened is the ledger. Keeping
 * one costs PostgreSQL 2 ms where a job takes 2 ms without; a job wakes the payer for up to a hundred payouts.
 */
export const KEEP_COMPLETED = { count: 1_000 };
export const KEEP_FAILED = { count: 5_000 };
