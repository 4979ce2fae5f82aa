import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "..");
const PACKAGES = ["kernel", "bitshares", "core"];
const BUILT = [
  "apps/ingester",
  "apps/scheduler",
  "apps/payer",
  ...PACKAGES.map((name) => `packages/${name}`),
];

/** A change of a built file. The text has to be there once, or the safeguard is not where it was thought to be. */
export interface Patch {
  /** From the repository's folder. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A copy of the built workers with the patches, next to the packages that they use. Throws when a patch does not fit. */
export function mutatedWorkers(patches: readonly Patch[]): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "stakebts-mutated-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const part of BUILT) {
      cpSync(join(REPOSITORY, part, "dist"), join(folder, part, "dist"), { recursive: true });
      cpSync(join(REPOSITORY, part, "package.json"), join(folder, part, "package.json"));
    }
    linkAll(join(REPOSITORY, "node_modules"), join(folder, "node_modules"), ["@stakebts"]);
    mkdirSync(join(folder, "node_modules/@stakebts"));
    for (const name of PACKAGES)
      symlinkSync(join(folder, "packages", name), join(folder, "node_modules/@stakebts", name));
    for (const patch of patches) apply(folder, patch);
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function linkAll(from: string, to: string, but: readonly string[]): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    if (!but.includes(name)) symlinkSync(join(from, name), join(to, name));
}

function apply(folder: string, { file, find, replace }: Patch): void {
  const path = join(folder, file);
  writeFileSync(path, replacedOnce(readFileSync(path, "utf8"), { of: file, find, replace }));
}

/** A mutation that changes nothing would never be caught, and one that changes more would prove nothing. */
export function replacedOnce(
  text: string,
  { of, find, replace }: { readonly of: string; readonly find: string; readonly replace: string },
): string {
  const times = text.split(find).length - 1;
  if (times !== 1)
    throw new Error(`${of} holds the text that is to be replaced ${times} times, not once:\n${find}`);
  return text.replace(find, () => replace);
}
