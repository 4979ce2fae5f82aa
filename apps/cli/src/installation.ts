import { existsSync } from "node:fs";
import { join } from "node:path";
import { StartupError } from "@stakebts/kernel/errors";

/** Of the repository or of an image. The way is the same from `src`, where this file is, and from `dist`, where the bundle is. */
export const SCHEMA_FOLDER = join(import.meta.dirname, "../../../prisma");

/** With migrations and functions. */
export function schemaFolder(): string {
  if (!existsSync(SCHEMA_FOLDER))
    throw new StartupError(`there is no folder ${SCHEMA_FOLDER}: run this from a complete installation`);
  return SCHEMA_FOLDER;
}
