import type { NewReceipt } from "../ledger/ledger.ts";

// Who may use the console. A part of its own: nothing in the ledger depends on it.

/** A `viewer` looks. An `operator` also acts. */
export const CONSOLE_ROLES = ["viewer", "operator"] as const;
export type ConsoleRole = (typeof CONSOLE_ROLES)[number];

export interface ConsoleUser {
  readonly name: string;
  readonly role: ConsoleRole;
  readonly disabled: boolean;
  /** Host time. */
  readonly createdAtMs: number;
}

/** A name is what receipts call the person: short, and without anything that could be mistaken for another. */
export const CONSOLE_NAME = /^[a-z][a-z0-9._-]{0,31}$/u;

/** One browser that is signed in, by the user as he is now: a role that was taken away is gone at once. */
export interface ConsoleSession {
  readonly user: string;
  readonly role: ConsoleRole;
  /** What a form has to carry to be from a page of ours. */
  readonly csrfToken: string;
  /** Host time. */
  readonly seenAtMs: number;
}

export interface NewConsoleSession {
  /** SHA-256 of the token that the browser holds, 64 hex digits: a copy of the database opens no session. */
  readonly tokenHash: string;
  readonly user: string;
  readonly csrfToken: string;
  readonly nowMs: number;
  /** It ends then, however busy it is. */
  readonly expiresAtMs: number;
}

/** Users and sessions of the console. What changes a user is written together with its receipt. */
export interface ConsoleAccess {
  users(): Promise<readonly ConsoleUser[]>;
  /** `undefined` for a user that is not there or is disabled. */
  passwordHashOf(name: string): Promise<string | undefined>;
  /** `false`: the name is taken. */
  addUser(
    user: Pick<ConsoleUser, "name" | "role"> & { readonly passwordHash: string },
    receipt: NewReceipt,
  ): Promise<boolean>;
  /** Ends every session of the user. `false`: there is no such user. */
  setPassword(name: string, passwordHash: string, receipt: NewReceipt): Promise<boolean>;
  /** Disabling ends every session of the user. `false`: there is no such user, or nothing to change. */
  setDisabled(name: string, disabled: boolean, receipt: NewReceipt): Promise<boolean>;

  /** Ended sessions are cleared away at the same time: `idleMs` without a request, or past their end. */
  openSession(session: NewConsoleSession, idleMs: number): Promise<void>;
  /** The session if it has neither ended nor been idle for `idleMs`, and its user is not disabled. */
  findSession(
    tokenHash: string,
    at: { readonly nowMs: number; readonly idleMs: number },
  ): Promise<ConsoleSession | undefined>;
  markSeen(tokenHash: string, nowMs: number): Promise<void>;
  closeSession(tokenHash: string): Promise<void>;
  close(): Promise<void>;
}
