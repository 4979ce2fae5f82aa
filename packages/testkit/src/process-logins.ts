import { randomBytes } from "node:crypto";
import { ensureLogins } from "@stakebts/core/database/logins";
import { PROCESS_ROLES, type ProcessRole } from "@stakebts/core/database/rights";

/** A login of its own for each kind of process, as an installation has them; the addresses with which they sign in. */
export async function processLogins(databaseUrl: string): Promise<Readonly<Record<ProcessRole, string>>> {
  // Logins belong to the whole server, where tests have many databases beside each other.
  const server = randomBytes(6).toString("hex");
  const logins = PROCESS_ROLES.map((role) => ({
    role,
    user: `${role}_${server}`,
    password: randomBytes(16).toString("hex"),
  }));
  await ensureLogins(databaseUrl, logins);
  return Object.fromEntries(
    logins.map(({ role, user, password }) => {
      const url = new URL(databaseUrl);
      [url.username, url.password] = [user, password];
      return [role, url.href];
    }),
  ) as Record<ProcessRole, string>;
}
