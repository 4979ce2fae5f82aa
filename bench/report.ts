import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { Row } from "./measure.ts";

export function print(rows: readonly Row[]): void {
  for (const { name, ours, ceiling, ratio, target } of rows)
    process.stdout.write(
      `${name.padEnd(62)} ${ours.padStart(16)} ${ceiling.padStart(16)} ${ratio.padStart(8)}   ${target}\n`,
    );
}

/** Beside those of other runs, in `bench/results`. Of the machine no more than what figures depend on. */
export function keepResults(rows: readonly Row[]): void {
  const at = new Date().toISOString().slice(0, 16);
  const table = [
    ["measured", "StakeBTS", "ceiling", "ratio", "set out for"],
    ["---", "--:", "--:", "--:", "---"],
    ...rows.map(({ name, ours, ceiling, ratio, target }) => [name.trim(), ours, ceiling, ratio, target]),
  ];
  const text = [
    `# ${at.replace("T", " ")} UTC`,
    "",
    `${cpus().length} processors, Node ${process.version}, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")} at the end.`,
    "",
    ...table.map((cells) => `| ${cells.join(" | ")} |`),
    "",
  ].join("\n");
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${at.replaceAll(":", "")}.md`), text);
}
