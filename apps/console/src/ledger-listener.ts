import type pg from "pg";
import { openSession } from "@stakebts/core/runtime/database-session";
import type { Changes } from "./live.ts";

/** As in prisma/functions/ledger_has_changed.sql. */
const CHANNEL = "stakebts_changed";

/** Hears from the database that the ledger has changed, over a session of its own. */
export class LedgerListener {
  readonly #url: string;
  readonly #changes: Changes;
  #session: pg.Client | undefined;

  constructor({ url, changes }: { url: string; changes: Changes }) {
    this.#url = url;
    this.#changes = changes;
  }

  /** Begins to listen, or does nothing when it listens already. Throws when the database cannot be reached. */
  async listen(): Promise<void> {
    if (this.#session !== undefined) return;
    const session = openSession(this.#url);
    const lost = () => {
      if (this.#session === session) this.#session = undefined;
    };
    session.on("error", lost);
    session.on("end", lost);
    session.on("notification", () => this.#changes.note());
    await session.connect();
    await session.query(`LISTEN ${CHANNEL}`);
    this.#session = session;
    // What has happened while this process did not listen.
    this.#changes.note();
  }

  async close(): Promise<void> {
    await this.#session?.end();
  }
}
