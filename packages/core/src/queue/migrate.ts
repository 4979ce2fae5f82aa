import { runMigrations } from "bullmq";
import { changeSchema } from "../runtime/schema-change.ts";
import { openSession } from "../runtime/database-session.ts";
import { QUEUE_NAMES } from "./catalog.ts";

/** Makes or updates BullMQ's own schema in PostgreSQL. Safe to repeat and to start twice; Redis needs nothing. */
export async function migrateQueueStore(databaseUrl: string): Promise<void> {
  const client = openSession(databaseUrl);
  await client.connect();
  try {
    await changeSchema(client, () => runMigrations(client));
    // BullMQ makes a queue's sequence at the first job. The login that adds it may not create anything (ADR 0020).
    for (const name of QUEUE_NAMES) await client.query("SELECT bullmq.next_job_id($1)", [name]);
  } finally {
    await client.end();
  }
}
