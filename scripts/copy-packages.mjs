// Copies installed packages and what they need into another folder, as they are.
//   node scripts/copy-packages.mjs <folder> <package …>        into <folder>/node_modules
import { cpSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const [out, ...wanted] = process.argv.slice(2);
const copied = new Set();
for (const name of wanted) copy(name, root);

/** The nearest one counts, as for `require`; it is laid at the same place under the other folder. */
function copy(name, from) {
  const path = join(from, "node_modules", name);
  if (!existsSync(path)) {
    if (from === root) throw new Error(`${name} is not installed`);
    return copy(name, dirname(from));
  }
  if (copied.has(path)) return;
  copied.add(path);
  cpSync(path, join(out, path.slice(root.length)), {
    recursive: true,
    filter: (file) =>
      !/\.(?:map|d\.[cm]?ts)$/.test(file) && !file.slice(path.length).includes("/node_modules/"),
  });
  const { dependencies = {} } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  for (const needed of Object.keys(dependencies)) copy(needed, path);
}
