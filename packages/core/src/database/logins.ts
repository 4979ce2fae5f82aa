import { AddressProblem, type DatabaseAddress, parseAddress } from "../runtime/database-address.ts";
import { LOCKS } from "./locks.ts";
import { openSession } from "../runtime/database-session.ts";
import { createHmac, pbkdf2Sync, randomBytes, createHash } from "node:crypto";
import { basename } from "node:path";
import pg from "pg";
import { StartupError } from "@stakebts/kernel/errors";
import { groupOf, PROCESS_ROLES, type ProcessRole } from "./rights.ts";

/** The name and password with which one kind of process signs in. */
export interface Login {
  readonly role: ProcessRole;
  readonly user: string;
  readonly password: string;
}

/** A login from the address that its process is given, so that each password stands in one place. */
export function loginOf(role: ProcessRole, databaseUrl: string): Login {
  const { user, password } = addressOf(role, databaseUrl);
  if (password === undefined)
    throw new StartupError(
      `the address of the ${role} has no user and password: expected postgresql://user:password@host:port/database`,
    );
  // What a user types may be written in several ways; what a program is given need not be.
  if (!/^[\x21-\x7E]{12,}$/u.test(password))
    throw new StartupError(
      `the password of the ${role} needs at least 12 characters, all of them plain ASCII`,
    );
  return { role, user, password };
}

function addressOf(role: ProcessRole, databaseUrl: string): DatabaseAddress {
  try {
    return parseAddress(databaseUrl);
  } catch (error) {
    if (!(error instanceof AddressProblem)) throw error;
    throw new AddressProblem(`the address of the ${role}: ${error.message}`, { cause: error });
  }
}

/** `database_url_payer` is the payer's. */
export function roleOfFile(path: string): ProcessRole {
  const role = PROCESS_ROLES.find((one) => basename(path) === `database_url_${one}`);
  if (role === undefined)
    throw new StartupError(
      `${path}: expected a file with the name database_url_ and one of ${PROCESS_ROLES.join(", ")}`,
    );
  return role;
}

/**
 * Makes the logins, or gives those that are there these passwords. Sessions that are open stay open. The server is sent
 * what it keeps of a password, not the password: that would end in its log of statements.
 * Errors: StartupError (the user that migrates may not do that, or a login has more than the rights of its process).
 */
export async function ensureLogins(databaseUrl: string, logins: readonly Login[]): Promise<void> {
  const session = openSession(databaseUrl);
  await session.connect();
  try {
    await session.query("BEGIN");
    // Roles are of the whole server: of this lock's database, one at a time.
    await session.query("SELECT pg_advisory_xact_lock($1)", [LOCKS.logins]);
    for (const login of logins) await ensureLogin(session, login);
    await session.query("COMMIT");
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    if (code !== "42501" && code !== "42704") throw error;
    throw new StartupError(
      `the logins cannot be made (${message}): an administrator of the server has to run this once, see docs/deploy.md, Database roles`,
      { cause: error },
    );
  } finally {
    await session.end();
  }
}

async function ensureLogin(session: pg.Client, { role, user, password }: Login): Promise<void> {
  const { rows } = await session.query<{ mighty: boolean; owner: boolean }>(
    `SELECT rolsuper OR rolcreaterole OR rolbypassrls AS mighty, rolname = current_user AS owner
       FROM pg_roles WHERE rolname = $1`,
    [user],
  );
  const [found] = rows;
  if (found?.mighty === true || found?.owner === true)
    throw new StartupError(
      `the address of the ${role} has the user ${user}, who may do more than a ${role}: give it a user of its own`,
    );
  const name = pg.escapeIdentifier(user);
  if (found === undefined) await session.query(`CREATE ROLE ${name}`);
  // A copy of the ledger counts once it was restored into a database that is made for that; and a comparison with the chain
  // is made of a ledger apart.
  const createDb = role === "backup" || role === "operator" ? " CREATEDB" : "";
  await session.query(
    `ALTER ROLE ${name} LOGIN${createDb} PASSWORD ${pg.escapeLiteral(verifierOf(password))}`,
  );
  await session.query(`GRANT ${groupOf(role)} TO ${name}`);
}

const ITERATIONS = 4096;

/** What PostgreSQL keeps of a password: SCRAM-SHA-256, RFC 5802 and 7677. */
function verifierOf(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
  const hmac = (text: string): Buffer => createHmac("sha256", salted).update(text).digest();
  const storedKey = createHash("sha256").update(hmac("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${storedKey}:${hmac("Server Key").toString("base64")}`;
}
