import pg from "pg";
import type { Break } from "./breaks.ts";
import { replacedOnce } from "../scripts/bundle.ts";

/** Throws when something to be changed is not there exactly once. */
export async function takeAway(url: string, { functions = [], sql = [], given = [] }: Break): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const { function: name, find, replace } of functions) {
      const { rows } = await client.query<{ source: string }>(
        "SELECT pg_get_functiondef($1::regproc) AS source",
        [name],
      );
      await client.query(replacedOnce(rows[0]?.source ?? "", { of: name, find, replace }));
    }
    for (const statement of [...sql, ...given]) await client.query(statement);
  } finally {
    await client.end();
  }
}
