import type { ConsoleAccess, ConsoleRole } from "./console-access.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import { addReceipts } from "../ledger/postgres/receipts.ts";
import {
  type Database,
  type DatabaseSource,
  type DatabaseTx,
  isUniqueViolation,
  openSource,
} from "../database/client.ts";

/** Users and sessions of the console in the ledger's database. */
export function createPostgresConsoleAccess(source: DatabaseSource): ConsoleAccess {
  const { db, close } = openSource(source, 2);
  return {
    async users() {
      const rows = await db.consoleUser.findMany({ orderBy: { name: "asc" } });
      return rows.map(({ name, role, disabled, createdAt }) => ({
        name,
        role: role as ConsoleRole,
        disabled,
        createdAtMs: createdAt.getTime(),
      }));
    },
    async passwordHashOf(name) {
      const user = await db.consoleUser.findUnique({ where: { name, disabled: false } });
      return user?.passwordHash;
    },
    async addUser(user, receipt) {
      try {
        await db.$transaction(async (tx) => {
          await tx.consoleUser.create({ data: user });
          await addReceipts(tx, [receipt]);
        });
        return true;
      } catch (error) {
        if (isUniqueViolation(error)) return false;
        throw error;
      }
    },
    setPassword: (name, passwordHash, receipt) => changeUser(db, { name }, { passwordHash }, receipt),
    setDisabled: (name, disabled, receipt) =>
      changeUser(db, { name, disabled: !disabled }, { disabled }, receipt),
    async openSession({ tokenHash, user, csrfToken, nowMs, expiresAtMs }, idleMs) {
      const now = new Date(nowMs);
      const idleSince = new Date(nowMs - idleMs);
      await db.consoleSession.deleteMany({
        where: { OR: [{ expiresAt: { lte: now } }, { seenAt: { lte: idleSince } }] },
      });
      const expiresAt = new Date(expiresAtMs);
      await db.consoleSession.create({
        data: { tokenHash, userName: user, csrfToken, seenAt: now, expiresAt, createdAt: now },
      });
    },
    async findSession(tokenHash, { nowMs, idleMs }) {
      const session = await db.consoleSession.findUnique({
        where: {
          tokenHash,
          expiresAt: { gt: new Date(nowMs) },
          seenAt: { gt: new Date(nowMs - idleMs) },
          user: { disabled: false },
        },
        include: { user: true },
      });
      return session === null
        ? undefined
        : {
            user: session.userName,
            role: session.user.role as ConsoleRole,
            csrfToken: session.csrfToken,
            seenAtMs: session.seenAt.getTime(),
          };
    },
    async markSeen(tokenHash, nowMs) {
      await db.consoleSession.updateMany({ where: { tokenHash }, data: { seenAt: new Date(nowMs) } });
    },
    async closeSession(tokenHash) {
      await db.consoleSession.deleteMany({ where: { tokenHash } });
    },
    close,
  };
}

/** All sessions that were opened with what was true before have to sign in again. */
function changeUser(
  db: Database,
  where: { readonly name: string; readonly disabled?: boolean },
  data: { readonly passwordHash: string } | { readonly disabled: boolean },
  receipt: NewReceipt,
): Promise<boolean> {
  return db.$transaction(async (tx: DatabaseTx) => {
    const { count } = await tx.consoleUser.updateMany({ where, data });
    if (count === 0) return false;
    await tx.consoleSession.deleteMany({ where: { userName: where.name } });
    await addReceipts(tx, [receipt]);
    return true;
  });
}
