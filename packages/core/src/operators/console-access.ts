import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { NewReceipt } from "../ledger/ledger.ts";

// Who may use the console. A part of its own: nothing in the ledger depends on it.

/** A `viewer` looks. An `approver` may also approve what a limit holds, and nothing else. An `operator` acts. */
export const CONSOLE_ROLES = ["viewer", "approver", "operator"] as const;
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

/**
 * scrypt as OWASP's cheat sheet on password storage advises where memory is dear (2^15, 8, 3): 32 MB and some tenths of a second
 * for each guess. The parameters stand in the text, so that a later version may ask for more and still read this one.
 */
const COST: PasswordCost = { ln: 15, r: 8, p: 3 };
const HASH_BYTES = 32;
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/u;

/** Of scrypt: N = 2^ln. */
export interface PasswordCost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, base64 without padding. */
export async function hashPassword(password: string, cost: PasswordCost = COST): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  const { ln, r, p } = cost;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(hash)}`;
}

/** Takes as long for a wrong password as for the right one. A text that is no hash fits no password. */
export async function passwordFits(password: string, stored: string): Promise<boolean> {
  const [, ln, r, p, salt, hash] = FORMAT.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return false;
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  // Bounds: a row from elsewhere must not make this machine work or allocate for ever.
  if (cost.ln < 10 || cost.ln > 20 || cost.r < 1 || cost.r > 16 || cost.p < 1 || cost.p > 16) return false;
  return timingSafeEqual(
    await derive(password, Buffer.from(salt, "base64"), cost),
    Buffer.from(hash, "base64"),
  );
}

function derive(password: string, salt: Buffer, { ln, r, p }: PasswordCost): Promise<Buffer> {
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    // NFC: the same password typed on another keyboard or system is the same bytes.
    scrypt(password.normalize("NFC"), salt, HASH_BYTES, { N, r, p, maxmem: 256 * N * r }, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}

const text = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/u, "");
