/**
 * A wake-up for a worker. It carries ids only: the work stands in the ledger, so a job that is lost, doubled or late changes
 * only when the work is done.
 */
export type NewJob = {
  /** Unique per job: the queue drops a second one with the same id. No colons; not digits alone. */
  readonly id: string;
  /** How long the queue keeps it back, in host time. */
  readonly delayMs: number;
} & JobContent;

export type JobContent =
  | { readonly kind: "memo.process"; readonly data: { readonly transfer: string } }
  | { readonly kind: "stakes.due"; readonly data: { readonly dueMs: number } }
  | {
      readonly kind: "payout.pay";
      readonly data: {
        readonly payoutId: string;
        /** Others that the same job wakes the payer for. */
        readonly also?: readonly string[] | undefined;
        /** It comes after all that are without it. */
        readonly later?: boolean | undefined;
      };
    };

export type JobKind = NewJob["kind"];

export interface JobQueue {
  /** Safe to repeat with the same ids. */
  add(jobs: readonly NewJob[]): Promise<void>;
  /** Jobs of the kind that wait for a worker. Delayed ones and the one that is running do not count. */
  waiting(kind: JobKind, which?: "urgent" | "later"): Promise<number>;
  /** Why jobs do not get through now: the store refuses them, a queue is paused or rate limited. `undefined` when they do. */
  problem?(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** How a job ended. */
export type JobResult =
  | { readonly done: true }
  /** Run it again after this time. */
  | { readonly done: false; readonly againInMs: number };

export type JobHandlers = {
  readonly [K in JobKind]?: (data: Extract<JobContent, { kind: K }>["data"]) => Promise<JobResult>;
};

/** Serves the queues of the kinds that it has handlers for, one job at a time per kind. */
export interface JobWorker {
  /** Why it cannot get jobs; `undefined` when it can. */
  problem?(): string | undefined;
  /** Finishes what is running, starts nothing more. */
  close(): Promise<void>;
}

export interface WorkerTask {
  readonly handlers: JobHandlers;
  /** What does not pass by itself: the process has to stop. */
  readonly onBroken: (error: Error) => void;
  /** A job that takes longer is stuck. */
  readonly stepMsMax?: number | undefined;
}

/** How a process begins to answer jobs. A handler that throws trouble that passes is given its job again after a while. */
export type StartWorker = (task: WorkerTask) => JobWorker;
