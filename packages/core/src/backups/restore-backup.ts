import { basename } from "node:path";
import type pg from "pg";
import { prepareDatabase } from "../database/prepare-database.ts";
import { serverVersion, restoreInto } from "./make-backup.ts";
import { contentsOf, differences, type Manifest, readManifest, sha256Of } from "./manifest.ts";
import { findPgTools, type PgTools, runTool, ToolFailed } from "./pg-tools.ts";
import { replaceDatabase } from "./replace-database.ts";
import { withMaintenance, withSession } from "./server.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface InspectedBackup {
  readonly path: string;
  /** `undefined`: there is none beside the file, so nothing can be compared with it. */
  readonly manifest: Manifest | undefined;
  /** As `pg_restore --list` says it. */
  readonly tables: readonly string[];
  readonly tools: PgTools;
}

/** Looks into a backup without restoring it; in words, why it cannot be one. */
export async function inspectBackup(
  path: string,
  { databaseUrl, environment }: { databaseUrl: string; environment: Environment },
): Promise<InspectedBackup | { readonly problem: string }> {
  const { major } = await withMaintenance(databaseUrl, serverVersion);
  let manifest: Manifest | undefined;
  try {
    manifest = readManifest(path);
  } catch {
    return { problem: "the manifest beside it cannot be read: it is not one of ours, or is damaged" };
  }
  const dumpMajor = Number.parseInt(manifest?.pgDumpVersion ?? "", 10);
  const tools = await findPgTools(environment, major, Number.isNaN(dumpMajor) ? "unknown" : dumpMajor);
  let list: string;
  try {
    list = (await runTool(tools.restore, ["--list", path], {})).out;
  } catch (error) {
    if (!(error instanceof ToolFailed)) throw error;
    return { problem: error.message };
  }
  if (manifest !== undefined && (await sha256Of(path)) !== manifest.sha256)
    return { problem: "it is damaged: its SHA-256 is not the one in its manifest" };
  const tables = [...list.matchAll(/ TABLE public (\S+) /gu)].flatMap(([, name]) => name ?? []);
  if (!tables.includes("control")) return { problem: "there is no ledger in it" };
  return { path, manifest, tables, tools };
}

/** Who did it and why, for the receipt; and the reason of the freeze that stops payments until a person has looked. */
export interface Replacement {
  readonly event: "ledger.restored" | "ledger.reset";
  readonly actor: string;
  readonly reason: string;
  readonly paymentsReason: string;
  readonly details: Readonly<Record<string, string | number>>;
}

/**
 * Puts the ledger of a backup in the place of the database, migrated to what this program needs, with payments off. The
 * recovery hold is up in it until the ingester has looked: a restored database is another one (ADR 0012).
 * @returns the name under which the old database is kept
 */
export function restoreBackup(
  { path, manifest, tools }: InspectedBackup,
  request: { databaseUrl: string; schemaFolder: string; nowMs: number; replacement: Replacement },
): Promise<string | undefined> {
  return replaceDatabase(request.databaseUrl, {
    nowMs: request.nowMs,
    fill: async (url, oldName) => {
      await restoreInto(url, { path, tools });
      if (manifest !== undefined) {
        const wrong = await withSession(url, async (session) =>
          differences(manifest, await contentsOf(session)),
        );
        if (wrong.length > 0)
          throw new ToolFailed(`restored, it is not what was dumped: ${wrong.join("; ")}`);
      }
      await finish(url, oldName, {
        ...request,
        replacement: {
          ...request.replacement,
          details: { ...request.replacement.details, file: basename(path) },
        },
      });
    },
  });
}

/** An empty ledger in the place of the database. Nothing is deleted: the old one is kept under another name. */
export const resetLedger = (request: {
  databaseUrl: string;
  schemaFolder: string;
  nowMs: number;
  replacement: Replacement;
}): Promise<string | undefined> =>
  replaceDatabase(request.databaseUrl, {
    nowMs: request.nowMs,
    fill: (url, oldName) => finish(url, oldName, request),
  });

async function finish(
  url: string,
  oldName: string | undefined,
  { schemaFolder, replacement }: { schemaFolder: string; replacement: Replacement },
): Promise<void> {
  await prepareDatabase(url, schemaFolder);
  await withSession(url, (session) => lockUp(session, oldName, replacement));
}

async function lockUp(
  session: pg.Client,
  oldName: string | undefined,
  { event, actor, reason, paymentsReason, details }: Replacement,
): Promise<void> {
  await session.query("BEGIN");
  await session.query("UPDATE control SET database_identity = NULL, updated_at = now()");
  await session.query("SELECT add_freeze('pay-nothing', 'operator', NULL, $1)", [paymentsReason]);
  await session.query("INSERT INTO receipt (event, subject, details) VALUES ($1, $2, $3)", [
    event,
    oldName ?? "",
    JSON.stringify({ ...details, actor, reason, oldDatabase: oldName ?? null }),
  ]);
  await session.query("COMMIT");
}
