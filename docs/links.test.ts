import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { understands } from "../deploy/test/cli-command.ts";

const repository = join(import.meta.dirname, "..");
const inFolder = (folder: string): string[] =>
  readdirSync(join(repository, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`);

/** Every document that is read on its own, by its path from the repository's folder. */
const documents = ["README.md", "CHANGELOG.md", ...inFolder("docs"), ...inFolder("docs/adr")];
const textOf = (document: string): string => readFileSync(join(repository, document), "utf8");
const withoutBlocks = (text: string): string => text.replace(/^```[\s\S]*?^```/gmu, "");

/** Addresses inside a document: headings, as GitHub makes them, and `<a id="…">`. */
function addressesIn(document: string): Set<string> {
  const text = withoutBlocks(textOf(document));
  const headings = [...text.matchAll(/^#+ (.*)$/gmu)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/gu)].map(([, id = ""]) => id)]);
}

const brokenLinks = (document: string): string[] =>
  [...withoutBlocks(textOf(document)).matchAll(/\]\(([^)]*)\)/gu)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^https?:/u.test(target))
    .filter((target) => {
      const [path = "", address] = target.split("#");
      const file = path === "" ? document : relative(repository, join(repository, dirname(document), path));
      if (!existsSync(join(repository, file))) return true;
      return address !== undefined && !addressesIn(file).has(address);
    });

/** Folders that a path in backticks may begin at: the repository, and core's, which architecture.md says. */
const ROOTS = ["", "packages/core/src"];
const PATH = /^(?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs|js|sql|sh|yml|yaml|json|prisma)$/u;

/** Files that a document names by their path. A bare file name counts only where it stands in the table of a folder. */
const missingFiles = (document: string): string[] =>
  [...withoutBlocks(textOf(document)).matchAll(/`([^`\s]+)`/gu)]
    .map(([, name = ""]) => name)
    .filter((name) => name.includes("/") && PATH.test(name) && !/(?:^|\/)dist\//u.test(name))
    .filter((name) => !ROOTS.some((root) => existsSync(join(repository, root, name))));

describe.each(documents)("%s", (document) => {
  it("has links that lead somewhere", () => {
    expect(brokenLinks(document)).toEqual([]);
  });

  it("names files that exist", () => {
    expect(missingFiles(document)).toEqual([]);
  });
});

describe("code, rules and manifests", () => {
  const places = [
    "deploy/prometheus/rules.yml",
    ...["apps", "packages", "deploy", "chaos", "scripts"].flatMap((folder) =>
      readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" })
        .filter(
          (name) => /\.(?:ts|mjs|ya?ml|sh)$/u.test(name) && !/(?:node_modules|dist|generated)\//u.test(name),
        )
        .map((name) => `${folder}/${name}`),
    ),
  ];

  it("name documents and addresses that exist", () => {
    const broken = places.flatMap((place) =>
      [...textOf(place).matchAll(/\bdocs\/[\w/-]+\.md(?:#[\w-]+)?/gu)]
        .map(([target]) => target)
        .filter((target) => {
          const [file = "", address] = target.split("#");
          return (
            !existsSync(join(repository, file)) || (address !== undefined && !addressesIn(file).has(address))
          );
        })
        .map((target) => `${place}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

describe("commands of the documents", () => {
  /** What a reader fills in, as something of the kind. */
  const EXAMPLES: readonly (readonly [RegExp, string])[] = [
    [/'[^']*'/gu, "why"],
    [/\bKEY\b/gu, "reward:105:0:0:2"],
    [/\bblock:trx:op\b/gu, "105:0:0"],
    [/\bHASH@N\b/gu, `${"0".repeat(64)}@1`],
    [/\bBLOCK\b|\bN\b|\bAMOUNT\b/gu, "7"],
    [/…/gu, "x"],
  ];
  const written = documents
    .filter((document) => document !== "CHANGELOG.md") // names what is gone
    .flatMap((document) => [
      ...textOf(document).matchAll(/`(?:npx )?(stakebts [^`\n]+)`|^(?:\w+=\S+ )*(stakebts [^\n]+)/gmu),
    ])
    .map(([, inline, line]) => (inline ?? line ?? "").replace(/\s+#.*$/u, "").trim())
    .filter((command) => !/[|[<*>]/u.test(command));

  /** Of a command that is only named, what it needs may be left out. */
  const INCOMPLETE = ["commander.missingArgument", "commander.missingMandatoryOptionValue", "commander.help"];

  it.each([...new Set(written)])("%s", async (command) => {
    const text = EXAMPLES.reduce((so, [placeholder, example]) => so.replace(placeholder, example), command);
    const [, ...argv] = text.split(/\s+/u);
    const isOnlyNamed = !command.includes(" -");
    const outcome = await understands(argv).catch((error: { code?: string; message: string }) =>
      isOnlyNamed && INCOMPLETE.includes(error.code ?? "") ? true : error.message,
    );
    expect(outcome).toBe(true);
  });
});
