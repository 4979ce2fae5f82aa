import { isSettingName, SETTING_NAMES } from "./settings.ts";

/**
 * A line for each name in the environment that begins with `STAKEBTS_` and is no setting: a typing mistake in
 * `STAKEBTS_NODE_QUORUM` would otherwise leave the quorum at its default, and no one would be told. An empty value counts as
 * not set.
 */
export function unknownSettings(
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith("STAKEBTS_") && environment[name]?.trim() && !isKnown(name))
    .map((name) => {
      const meant = nearest(name);
      return meant === undefined
        ? `${name.slice(0, NAME_MAX)} is not a setting: docs/configuration.md lists all`
        : `${name} is not a setting: did you mean ${meant}?`;
    });
}

/** Far longer than every name, so that a message stays readable. */
const NAME_MAX = 80;

const isKnown = (name: string): boolean => isSettingName(name) || isSettingName(name.replace(/_FILE$/u, ""));

/** The setting, or the file of one, that is at most a few letters away; or the first that goes on where the name ends. */
function nearest(name: string): string | undefined {
  if (name.length > NAME_MAX) return undefined;
  const suffix = name.endsWith("_FILE") ? "_FILE" : "";
  let best: { readonly known: string; readonly distance: number } | undefined;
  for (const setting of SETTING_NAMES) {
    const known = `${setting}${suffix}`;
    const distance = editDistance(name, known);
    if (
      distance <= Math.ceil((name.length - "STAKEBTS_".length) / 3) &&
      distance < (best?.distance ?? Infinity)
    )
      best = { known, distance };
  }
  return best?.known ?? SETTING_NAMES.find((setting) => setting.startsWith(`${name}_`));
}

/** How many letters have to be inserted, left out or replaced to make one text of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
