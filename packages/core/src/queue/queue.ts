/**
 * A ring at somebody's door: "look at this". It carries ids only; what is to be done is in the ledger, and a ring that
 * is lost, doubled or late changes nothing but the moment.
 */
export type Ring = {
  /** Unique per ring: the queue drops a second one with the same id. No colons; not digits alone. */
  readonly id: string;
  /** How long the queue keeps it back, in host time. */
  readonly delayMs: number;
} & RingContent;

export type RingContent =
  | { readonly kind: "memo.process"; readonly data: { readonly transfer: string } }
  | { readonly kind: "stakes.due"; readonly data: { readonly dueMs: number } }
  | { readonly kind: "payout.pay"; readonly data: { readonly payoutId: string } };

export type RingKind = Ring["kind"];

export interface JobQueue {
  /** Safe to repeat with the same ids. */
  add(rings: readonly Ring[]): Promise<void>;
  /** Rings of the kind that nobody has answered yet; delayed ones, and one that is being answered, do not count. */
  waiting(kind: RingKind): Promise<number>;
  close(): Promise<void>;
}

/** What a handler says of a ring it was given. */
export type RingAnswer =
  | { readonly done: true }
  /** Ring again after this time. */
  | { readonly done: false; readonly againInMs: number };

export type RingHandlers = {
  readonly [K in RingKind]?: (data: Extract<RingContent, { kind: K }>["data"]) => Promise<RingAnswer>;
};

/** Serves the queues of the kinds that it has handlers for, one ring at a time per kind. */
export interface JobWorker {
  /** Finishes what is running, starts nothing more. */
  close(): Promise<void>;
}
