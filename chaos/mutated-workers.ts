import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, type Patch } from "../scripts/bundle.ts";

const REPOSITORY = join(import.meta.dirname, "..");
const WORKERS = ["ingester", "scheduler", "payer", "watcher"];

/** The workers, built from the sources with the patches. Throws when a patch does not fit. */
export async function mutatedWorkers(
  patches: readonly Patch[],
): Promise<{ readonly folder: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "stakebts-mutated-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
    for (const name of WORKERS) {
      const app = `apps/${name}`;
      await bundle(join(REPOSITORY, app), join(folder, app, "dist"), patches);
    }
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
