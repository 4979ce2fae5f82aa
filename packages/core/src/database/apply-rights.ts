import pg from "pg";
import { LOCKS } from "./locks.ts";
import { openSession } from "../runtime/database-session.ts";
import {
  FUNCTION_RIGHTS,
  groupOf,
  PROCESS_ROLES,
  type ProcessRole,
  QUEUE_USERS,
  TABLE_RIGHTS,
} from "./rights.ts";

const QUEUE_SCHEMA = "bullmq";

export interface RightsResult {
  /** Roles that are not there, because the user that migrates may not make any. */
  readonly missingRoles: readonly string[];
}

/** For the person who migrates. The processes go on with the owner's login, and everything works without roles. */
export const rolesAreMissing = (roles: readonly string[]): string =>
  `!!! The database's user may not create roles, so that these are missing: ${roles.join(", ")}.
    Everything works, but every process with this login may do everything, which a custodian does not want for long.
    An administrator of the server runs this once, and then you migrate again:
${roles.map((role) => `      CREATE ROLE ${role} NOLOGIN;`).join("\n")}
    Or: ALTER ROLE ${"<the database's user>"} CREATEROLE; docs/deploy.md, Database roles.`;

/**
 * Makes the roles of the processes, if they are missing, and gives each the rights of {@link TABLE_RIGHTS}, no more and no
 * less, no matter what it had before. In one transaction: a process that runs notices nothing. To be repeated after every
 * migration and every restore, for a backup holds no rights.
 */
export async function applyRights(databaseUrl: string): Promise<RightsResult> {
  const session = openSession(databaseUrl);
  await session.connect();
  try {
    await session.query("SELECT pg_advisory_lock($1)", [LOCKS.migrate]);
    await session.query("BEGIN");
    const { rows } = await session.query<{ missing: string[] }>("SELECT ensure_process_roles() AS missing");
    const missingRoles = rows[0]?.missing ?? [];
    const roles = PROCESS_ROLES.filter((role) => !missingRoles.includes(groupOf(role)));
    await session.query(await statements(session, roles));
    await session.query("COMMIT");
    return { missingRoles };
  } finally {
    await session.end();
  }
}

/** Of the processes' roles, those that the server has now. */
export async function rolesThatExist(session: pg.Client): Promise<readonly ProcessRole[]> {
  const { rows } = await session.query<{ name: string }>(
    "SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)",
    [PROCESS_ROLES.map(groupOf)],
  );
  return PROCESS_ROLES.filter((role) => rows.some(({ name }) => name === groupOf(role)));
}

const namesOf = (wanted: readonly ProcessRole[], roles: readonly ProcessRole[]): string =>
  wanted
    .filter((role) => roles.includes(role))
    .map(groupOf)
    .join(", ");

/**
 * A function finds everything under the names that are meant here, and not under those of temporary tables that a caller has made:
 * a caller cannot hide from triggers and functions what they check. And not every role may call it, as every role may call a new
 * function by default. A function that is written anew loses both settings: hence each time.
 */
export async function functionRights(
  session: pg.Client,
  roles: readonly ProcessRole[],
): Promise<readonly string[]> {
  const groups = roles.map(groupOf);
  return (await functionsOf(session)).flatMap(({ name, signature }) => {
    const { callers, asOwner } = FUNCTION_RIGHTS[name] ?? { callers: [], asOwner: false };
    const granted = namesOf(callers, roles);
    return [
      `REVOKE ALL ON FUNCTION ${signature} FROM ${["PUBLIC", ...groups].join(", ")}`,
      `ALTER FUNCTION ${signature}${asOwner ? " SECURITY DEFINER" : ""} SET search_path = pg_catalog, public, pg_temp`,
      ...(granted === "" ? [] : [`GRANT EXECUTE ON FUNCTION ${signature} TO ${granted}`]),
    ];
  });
}

async function statements(session: pg.Client, roles: readonly ProcessRole[]): Promise<string> {
  const groups = roles.map(groupOf).join(", ");
  const sql: string[] = [...(await functionRights(session, roles))];
  const grant = (what: string, to: readonly ProcessRole[]): void => {
    const names = namesOf(to, roles);
    if (names !== "") sql.push(`GRANT ${what} TO ${names}`);
  };
  if (groups !== "") {
    sql.push(
      `REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${groups}`,
      `REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ${groups}`,
      `GRANT USAGE ON SCHEMA public TO ${groups}`,
    );
  }
  const sequences = await sequencesOf(session);
  for (const [table, { readers = PROCESS_ROLES, write }] of Object.entries(TABLE_RIGHTS)) {
    grant(`SELECT ON public.${table}`, readers);
    for (const role of PROCESS_ROLES) {
      const rights = write[role];
      if (rights !== undefined) grant(`${rights} ON public.${table}`, [role]);
      if (rights?.startsWith("INSERT") === true)
        for (const sequence of sequences.get(table) ?? []) grant(`USAGE ON SEQUENCE ${sequence}`, [role]);
    }
  }
  // pg_dump reads where they stand.
  for (const names of sequences.values())
    for (const name of names) grant(`SELECT ON SEQUENCE ${name}`, ["backup"]);
  if (await hasQueueSchema(session)) {
    grant(`USAGE ON SCHEMA ${QUEUE_SCHEMA}`, QUEUE_USERS);
    grant(`SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${QUEUE_SCHEMA}`, QUEUE_USERS);
    grant(`USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA ${QUEUE_SCHEMA}`, QUEUE_USERS);
  }
  return sql.join(";\n");
}

async function functionsOf(session: pg.Client): Promise<readonly { name: string; signature: string }[]> {
  const { rows } = await session.query<{ name: string; signature: string }>(
    `SELECT proname AS name, format('public.%I(%s)', proname, pg_get_function_identity_arguments(p.oid)) AS signature
       FROM pg_proc p
      WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
      ORDER BY 2`,
  );
  return rows;
}

/** By the table whose column they number. */
async function sequencesOf(session: pg.Client): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await session.query<{ table: string; sequence: string }>(
    `SELECT t.relname AS table, format('public.%I', s.relname) AS sequence
       FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i')
                       JOIN pg_class t ON t.oid = d.refobjid
      WHERE s.relkind = 'S' AND s.relnamespace = 'public'::regnamespace`,
  );
  const found = new Map<string, string[]>();
  for (const { table, sequence } of rows) found.set(table, [...(found.get(table) ?? []), sequence]);
  return found;
}

async function hasQueueSchema(session: pg.Client): Promise<boolean> {
  const { rowCount } = await session.query("SELECT FROM pg_namespace WHERE nspname = $1", [QUEUE_SCHEMA]);
  return rowCount === 1;
}
