import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeSettings, type SettingDescription } from "@stakebts/core/config/describe-settings";
import { POLICY_KEYS } from "@stakebts/core/config/policy-file";
import { GROUPS, type Reader, READERS } from "@stakebts/core/config/settings";
import { format } from "oxfmt";

// What is written down about settings, from the tables that the processes read them by.

const root = join(import.meta.dirname, "..");

const LETTERS: Readonly<Record<Reader, string>> = {
  ingester: "I",
  scheduler: "S",
  payer: "P",
  watcher: "W",
  console: "C",
  stakebts: "T",
  compose: "D",
};
const letters = (readers: readonly Reader[]): string =>
  READERS.filter((reader) => readers.includes(reader))
    .map((reader) => LETTERS[reader])
    .join(" ");

/** Path, from the root of the repository, and content of each file that is written from the tables. */
export async function settingsDocuments(): Promise<ReadonlyMap<string, string>> {
  const documentation = "docs/configuration.md";
  const { printWidth } = JSON.parse(readFileSync(join(root, ".oxfmtrc.json"), "utf8")) as {
    printWidth: number;
  };
  const { code } = await format(
    documentation,
    withTables(readFileSync(join(root, documentation), "utf8"), {
      settings: settingsTables(),
      policy: policyTable(),
    }),
    { printWidth },
  );
  return new Map([
    [documentation, code],
    [".env.example", exampleEnvironment()],
  ]);
}

/** The text, with what stands between `<!-- name -->` and `<!-- /name -->` replaced. */
function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((written, [name, table]) => {
    const [before, rest] = split(written, `<!-- ${name}: written by npm run settings:write -->`);
    const [, after] = split(rest, `<!-- /${name} -->`);
    return `${before}<!-- ${name}: written by npm run settings:write -->\n\n${table}\n<!-- /${name} -->${after}`;
  }, text);
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at === -1) throw new Error(`docs/configuration.md has no line ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map(row).join("");

function settingsTables(): string {
  const settings = describeSettings();
  return GROUPS.map((group) => {
    const rows = settings
      .filter((one) => one.group === group)
      .map(({ name, readers, otherwise, sentence, secret, example }) => [
        `\`${name}\``,
        letters(readers),
        otherwise.replace(
          /required by (.*)$/u,
          (_, names: string) => `required by ${letters(names.split(", ") as Reader[])}`,
        ),
        `${sentence}${secret ? ". **Secret**" : ""}`,
        `\`${example}\``,
      ]);
    return `### ${group}\n\n${table(["setting", "read by", "without it", "meaning", "example"], rows)}`;
  }).join("\n");
}

function policyTable(): string {
  const rows = Object.entries(POLICY_KEYS).map(([key, { unit, default: value, sentence, readers }]) => [
    `\`${key}\``,
    unit,
    Array.isArray(value) ? value.map((one) => `\`${one}\``).join(", ") : `\`${String(value)}\``,
    sentence,
    letters(readers),
  ]);
  return table(["key", "unit", "default", "meaning", "used by"], rows);
}

const EXAMPLE_HEAD = `# Settings of the processes, written by \`npm run settings:write\`. Copy to .env, or better: give each process only what it reads.
# I ingester, S scheduler, P payer, W watcher, C console, T the command stakebts. Each NAME can be given as NAME_FILE, the path of
# a file with the value. Ranges and the policy file: docs/configuration.md. Nothing loads .env by itself:
#   node --env-file=.env apps/ingester/dist/main.js
`;

function exampleEnvironment(): string {
  const settings = describeSettings().filter(({ readers }) => readers.join() !== "compose");
  return GROUPS.flatMap((group) => {
    const lines = settings.filter((one) => one.group === group).map(exampleOf);
    return lines.length === 0 ? [] : [`\n# ---- ${group}\n\n${lines.join("\n")}`];
  }).reduce((text, part) => text + part, EXAMPLE_HEAD);
}

function exampleOf({ name, readers, sentence, optional, otherwise, example }: SettingDescription): string {
  const plain = sentence.replace(/\s*\(\[[^\]]*\]\([^)]*\)\)/gu, "").replace(/\[([^\]]*)\]\([^)]*\)/gu, "$1");
  const first = name.replace("_n_", "_1_");
  // A secret of which there is but the form is better given as a file, and nothing can start with the form.
  const line = example.includes("…")
    ? `# ${first}_FILE=/run/secrets/${first.toLowerCase()}`
    : `${optional ? "# " : ""}${first}=${example}`;
  const without = otherwise === "none" ? "" : ` (without it: ${otherwise.replaceAll("`", "")})`;
  return `# ${letters(readers)}. ${plain}.${otherwise.startsWith("required") ? ` ${otherwise[0]!.toUpperCase()}${otherwise.slice(1)}.` : without}\n${line}\n`;
}
