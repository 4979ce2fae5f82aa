// Deletes from installed packages what nothing here loads: npm fetches a package whole, and some are mostly something else.
// `npm ci` and `npm install` run it (postinstall), and so does deploy/image/assemble.sh: what is tested is what is shipped.
// Without it everything works and is larger. docs/dependencies.md has the sizes.
//   node scripts/prune-packages.mjs [node_modules]
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** By package: which of its paths go. A folder goes with all that it holds. */
const UNUSED = {
  // A copy of its web site, made once for every version.
  bitsharesjs: /^(?:docs|test)$/,
  // The form for `require` and the one for browsers. Here it is imported.
  ccxt: /^dist$/,
  // The whole library in one file, in eight forms. Here its parts are imported.
  echarts: /^dist$/,
  // Its sources and the form for `import`. Prisma's command line requires it.
  effect: /^(?:src|dist\/(?:esm|dts))$/,
  // Forms for browsers and for debugging, and archives of them.
  "sql.js": /^dist\/(?!sql-wasm\.(?:js|wasm)$)/,
  // Compilers of queries for other databases. The client imports the small one, that of earlier versions, which a test runs, the fast one.
  "@prisma/client": /^runtime\/query_compiler_(?!(?:fast|small)_bg\.postgresql\.)/,
  // The same again. `prisma generate` runs no query.
  prisma: /^build\/(?:query_compiler_|studio\.)/,
};

const folder = process.argv[2] ?? join(import.meta.dirname, "../node_modules");
for (const [name, unused] of Object.entries(UNUSED)) {
  const root = join(folder, name);
  if (!existsSync(root)) continue;
  for (const path of readdirSync(root, { recursive: true }))
    if (unused.test(path.replaceAll("\\", "/"))) rmSync(join(root, path), { recursive: true, force: true });
}
