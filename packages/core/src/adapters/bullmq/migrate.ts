import { runMigrations } from "bullmq";
import pg from "pg";

/** Makes or updates BullMQ's own schema in PostgreSQL. Safe to repeat and to start twice; Redis needs nothing. */
export async function migrateQueueStore(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await runMigrations(client);
  } finally {
    await client.end();
  }
}
