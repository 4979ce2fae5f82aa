import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { auditVerdict } from "./audit.ts";
import { isAllowed, licenceProblems } from "./licences.ts";
import { type Lock, type LockedPackage, lockProblems, type Manifest } from "./lock-problems.ts";

const INTEGRITY = `sha512-${"A".repeat(86)}==`;
const good: LockedPackage = { version: "1.2.3", integrity: INTEGRITY };

function problemsOf(
  change: { readonly a?: LockedPackage; readonly manifest?: Manifest; readonly root?: LockedPackage } = {},
): readonly string[] {
  const manifest = change.manifest ?? { dependencies: { a: "1.2.3" } };
  const packages = { "": change.root ?? manifest, "node_modules/a": change.a ?? good };
  return lockProblems({ lockfileVersion: 3, packages }, new Map([["", manifest]]), () => false);
}

describe("the lock", () => {
  it("with exact versions and a hash of each is good", () => expect(problemsOf()).toEqual([]));

  it.each<[string, Parameters<typeof problemsOf>[0], string]>([
    ["a package without a hash", { a: { version: "1.2.3" } }, "has no integrity"],
    ["a weak hash", { a: { ...good, integrity: "sha1-AAAA" } }, "has no integrity"],
    [
      "a package from one host alone",
      { a: { ...good, resolved: "https://registry.example/a.tgz" } },
      "is tied to registry.example",
    ],
    ["a package from git", { a: { ...good, version: "git+ssh://git@example/a.git" } }, "no exact version"],
    ["a range", { manifest: { dependencies: { a: "^1.2.3" } } }, 'a is "^1.2.3" and not one exact version'],
    [
      "another version than is asked for",
      { a: { ...good, version: "1.2.4" } },
      "a is 1.2.3, and 1.2.4 in the lock",
    ],
    ["a dependency that was added by hand", { root: {} }, "are not those of the lock"],
    ["install scripts, not denied", { a: { ...good, hasInstallScript: true } }, "has install scripts"],
    [
      "install scripts that are allowed",
      {
        manifest: { dependencies: { a: "1.2.3" }, allowScripts: { a: true } },
        root: { dependencies: { a: "1.2.3" } },
      },
      "the install scripts of a are allowed",
    ],
  ])("with %s is not", (_, change, problem) => {
    expect(problemsOf(change).join("\n")).toContain(problem);
  });

  it("may lack the hash of a package of another platform, as long as that is not installed", () => {
    const other = { version: "1.2.3", optional: true, os: ["darwin"] };
    expect(problemsOf({ a: other })).toEqual([]);
    const packages = { "": {}, "node_modules/a": other };
    expect(lockProblems({ lockfileVersion: 3, packages }, new Map([["", {}]]), () => true)).toHaveLength(1);
  });
});

describe("a licence", () => {
  // The exceptions have to be there, or they would be complained of.
  const known = [
    { name: "bigi", version: "1.4.2" },
    { name: "axe-core", version: "4.14.1", license: "MPL-2.0" },
    { name: "lightningcss", version: "1.33.0", license: "MPL-2.0" },
  ];
  const of = (license: unknown) => licenceProblems([...known, { name: "a", version: "1.0.0", license }]);

  it.each(["MIT", "(MIT AND BSD-3-Clause)", "MIT and ISC", "(GPL-3.0 OR MIT)", { type: "ISC" }])(
    "%j is agreed to",
    (licence) => expect(of(licence)).toEqual([]),
  );
  it.each(["GPL-3.0", "AGPL-3.0-only", "UNLICENSED", "SEE LICENSE IN x", "MIT AND GPL-3.0", undefined, ""])(
    "%j is not",
    (licence) => expect(of(licence)).toEqual([expect.stringContaining("a 1.0.0: licence")]),
  );
  it("that has changed since the exception was made is not", () => {
    const changed = known.map((one) => (one.name === "lightningcss" ? { ...one, license: "GPL-3.0" } : one));
    expect(licenceProblems(changed)).toEqual(["lightningcss 1.33.0: licence GPL-3.0"]);
  });
  it("has no exception for a package that is gone", () => {
    expect(licenceProblems(known.slice(1))).toEqual([expect.stringContaining("bigi is an exception")]);
  });
  it("named like a property of every object is none", () => expect(isAllowed("constructor")).toBe(false));
});

describe("npm audit", () => {
  it("that finds something severe is a problem, and what is less severe is a remark", () => {
    const report = (severity: string) =>
      JSON.stringify({ vulnerabilities: { ws: { severity, range: "<8.1" } } });
    expect(auditVerdict(report("high"))).toEqual({ type: "vulnerable", findings: ["ws <8.1: high"] });
    expect(auditVerdict(report("low"))).toEqual({ type: "clean", remarks: ["ws <8.1: low"] });
    expect(auditVerdict('{"vulnerabilities":{}}')).toEqual({ type: "clean", remarks: [] });
  });
  it.each([
    ['{"message":"405 Method Not Allowed - POST","statusCode":405}', "405 Method Not Allowed - POST"],
    ['{"error":{"code":"ENOTFOUND","summary":"no network"}}', "no network"],
    ["", "npm audit has not answered in JSON"],
  ])("that has no answer is said to have none, and not to have found nothing", (output, reason) => {
    expect(auditVerdict(output)).toEqual({ type: "no_answer", reason });
  });
});

describe("docs/dependencies.md", () => {
  const repository = join(import.meta.dirname, "../..");
  const lines = readFileSync(join(repository, "docs/dependencies.md"), "utf8").split("\n");
  const table = lines.slice(
    lines.findIndex((line) => line.startsWith("| package ")),
    lines.findIndex((line) => line.startsWith("## ")),
  );
  const rows = table.flatMap((line) => {
    const [, name, ...cells] = /^\| `([^`]+)`/u.exec(line) ? line.split("|").map((cell) => cell.trim()) : [];
    return name === undefined ? [] : [{ name: name.replaceAll("`", ""), cells: cells.slice(0, 4) }];
  });
  const { packages } = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as Lock;
  const manifestOf = (folder: string) =>
    JSON.parse(readFileSync(join(repository, folder, "package.json"), "utf8")) as Manifest & {
      readonly version?: string;
    };
  const manifests = Object.keys(packages)
    .filter((path) => !path.includes("node_modules/"))
    .map(manifestOf);
  const ours = new Set(manifests.map(({ name }) => name));
  const direct = new Set(
    manifests
      .flatMap(({ dependencies, devDependencies, optionalDependencies }) =>
        Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }),
      )
      .filter((name) => !ours.has(name)),
  );

  it("has one row for each direct dependency of any workspace, and no other", () => {
    expect(rows.map(({ name }) => name)).toEqual([...direct].toSorted());
  });
  it("says of each what it is for, who loads it, what it weighs and why it is worth it", () => {
    for (const { name, cells } of rows) for (const cell of cells) expect(cell, name).toMatch(/\S/u);
  });
  it("names every workspace that takes the place of a package, and each takes it by an override", () => {
    const text = lines.join("\n");
    const { overrides } = manifestOf("") as Manifest & {
      readonly overrides: { readonly prisma: Readonly<Record<string, string>> };
    };
    const folders = Object.keys(packages).filter((path) => path.startsWith("absent/"));
    expect(folders.length).toBeGreaterThan(0);
    for (const folder of folders) {
      const { name = "", version } = manifestOf(folder);
      expect(overrides.prisma[name], folder).toBe(version);
      expect(text).toContain(`\`${folder}\``);
    }
  });
});
