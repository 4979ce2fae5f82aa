/** Licences that ask for nothing but to be named. */
const ALLOWED = new Set([
  "MIT",
  "MIT-0",
  "ISC",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "Python-2.0",
  "Unlicense",
]);

/** Others, or none in the package.json, by name, with the licence as it is found there and why that will do. */
const EXCEPTIONS: Readonly<Record<string, { readonly found: string; readonly why: string }>> = {
  "axe-core": { found: "MPL-2.0", why: "used unchanged, for tests of the console alone" },
  bigi: { found: "", why: "its LICENSE.md is a BSD-style permission (Tom Wu); bitsharesjs needs it" },
  lightningcss: { found: "MPL-2.0", why: "used unchanged, for tests alone (vite)" },
};

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly licenses?: unknown;
}

/** One line for each package whose licence is not in the list. */
export function licenceProblems(packages: readonly InstalledPackage[]): readonly string[] {
  const problems: string[] = [];
  for (const one of packages) {
    const found = licenceOf(one);
    if (isAllowed(found)) continue;
    const exception = Object.hasOwn(EXCEPTIONS, one.name) ? EXCEPTIONS[one.name] : platformTwin(one.name);
    if (exception?.found === found) continue;
    problems.push(`${one.name} ${one.version}: licence ${found === "" ? "missing" : found}`);
  }
  const names = new Set(packages.map(({ name }) => name));
  for (const name of Object.keys(EXCEPTIONS))
    if (!names.has(name))
      problems.push(`${name} is an exception for its licence, and is not installed any more`);
  return problems;
}

/** `lightningcss-linux-x64-gnu` is the native half of `lightningcss`. */
const platformTwin = (name: string) =>
  Object.entries(EXCEPTIONS).find(([known]) => name.startsWith(`${known}-`))?.[1];

/** As SPDX text. Old packages have objects or lists. */
function licenceOf({ license, licenses }: InstalledPackage): string {
  const words = [license ?? licenses ?? []].flat(1).map((one: unknown) => {
    if (typeof one === "string") return one;
    const type = typeof one === "object" && one !== null ? (one as { type?: unknown }).type : undefined;
    return typeof type === "string" ? type : "";
  });
  return words.filter((word) => word !== "").join(" OR ");
}

/** `A OR B`: one of them will do. `A AND B`: all of them. No package here has more than that. */
export function isAllowed(expression: string): boolean {
  const bare = expression.replace(/^\((.*)\)$/u, "$1");
  const either = bare.split(/ or /iu);
  if (either.length > 1) return either.some(isAllowed);
  return bare.split(/ and /iu).every((licence) => ALLOWED.has(licence));
}
