import { readFileSync } from "node:fs";
import { KeystoreError, openKeystore } from "./keystore.ts";

/** Settings that a keystore can stand for. */
export const KEYSTORE_SETTINGS: readonly string[] = ["STAKEBTS_ACTIVE_KEY", "STAKEBTS_MEMO_KEY"];

/**
 * `STAKEBTS_KEYSTORE` (a path) with `STAKEBTS_KEYSTORE_PASSWORD` stand for `STAKEBTS_ACTIVE_KEY` and
 * `STAKEBTS_MEMO_KEY`, whichever of them the process asks for. Fills `values`, and returns what is wrong.
 */
export function fillFromKeystore(
  values: Record<string, string>,
  names: readonly string[],
  given: { readonly path: string | undefined; readonly password: string | undefined },
): readonly string[] {
  const wanted = names.filter((name) => KEYSTORE_SETTINGS.includes(name));
  if (given.path === undefined || wanted.length === 0) return [];
  const twice = wanted.filter((name) => values[name] !== undefined);
  if (twice.length > 0)
    return twice.map((name) => `${name} and STAKEBTS_KEYSTORE are both set: give one of them`);
  if (given.password === undefined)
    return ["STAKEBTS_KEYSTORE_PASSWORD is not set: expected the password of STAKEBTS_KEYSTORE"];
  try {
    const keys = openKeystore(readFileSync(given.path, "utf8"), given.password);
    for (const name of wanted) {
      const value = name === "STAKEBTS_ACTIVE_KEY" ? keys.active : keys.memo?.join(",");
      if (value !== undefined && value !== "") values[name] = value;
    }
    return [];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof KeystoreError) return [`STAKEBTS_KEYSTORE: ${message}`];
    if (code !== undefined) return [`STAKEBTS_KEYSTORE: cannot read ${given.path} (${code})`];
    throw error;
  }
}
