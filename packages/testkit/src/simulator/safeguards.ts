/**
 * Safeguards of the product that a run can be told to do without, to see that the auditor notices. Each is switched off
 * from outside, by a fake that lies to the services: nothing in the product knows of this.
 */
export const SAFEGUARDS = [
  /** A withdrawal is in the ledger before its bytes leave. Without: it is written down afterwards. */
  "save-then-send",
  /** A payer whose epoch is over signs nothing. Without: every payer passes for the newest. */
  "epoch",
  /** A ledger that was restored shows it. Without: it comes back in place, while no ingester is there to notice. */
  "recovery-hold",
  /** Rows that were due before a stop fall due before it. Without: the stop is answered first. */
  "due-first",
  /** An exchange that does not drop a repeated withdrawal is asked once. Without: it passes for one that does. */
  "repeat-nonrepeatable",
  /** Only blocks below the irreversible one are believed. Without: the head is. */
  "final-blocks",
  /** A payout has one live withdrawal. Without: the payer does not see the one that is out, nor does the save. */
  "one-live",
  /** The payer looks at the ledger by itself. Without: it waits for jobs, of a queue that is paused for good. */
  "own-look",
  /** A memo for a memo key that is not configured is left unread. Without: it passes for one that no key opens. */
  "memo-key",
  /** A refusal that concerns everyone counts for no attempt. Without: it is not noted. */
  "common-cause",
  /** The payer looks whether its key may sign. Without: nodes say that it may. */
  "authority-check",
  /** Only the payer has the custodian's key. Without: a thief sends a transfer with it, and the watcher has to see it. */
  "key-kept",
  /** Only an ingester writes what was sent. Without: a thief has its login and calls a debt paid, and the watcher has to see it. */
  "login-kept",
  /** A watcher holds each debt that is called paid against the chain. Without: it does not, while that thief is at work. */
  "settlement-check",
  /** The account's history is read. Without: no process sees what proposals pay in, but the balance shows it. */
  "history-read",
] as const;
export type Safeguard = (typeof SAFEGUARDS)[number];
