// Makes of one program a few files that need no installation: `dist/main.js`, what it loads later, and beside them, as folders
// of node_modules, the few packages that cannot be put into a file. A process that reads thousands of files of a hundred
// packages takes 1.6 s of a processor to start; so, a third of that.
//   tsx ../../scripts/bundle.ts       in the folder of the program: src/main.ts becomes dist/main.js
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin, transform } from "esbuild";

/** Has a compiled part, WebAssembly or files for browsers beside it, or (ccxt) code that would not be loaded for most venues. */
export const PACKAGES_LEFT_AS_FOLDERS = ["secp256k1", "ccxt", "sql.js", "@bull-board/ui"];

/** An optional part of `pg` that is never installed. */
const NEVER_INSTALLED = ["pg-native"];

const REPOSITORY = join(import.meta.dirname, "..");
const LAZY_PACKAGE = "packages/bitshares/src/bitsharesjs.ts";

/** A change of a source file. The text has to be there once. */
export interface Patch {
  /** From the repository's folder. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** @param patches what is bundled in the place of what stands in the sources; throws when one does not fit */
export async function bundle(program: string, outdir: string, patches: readonly Patch[] = []): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  const { outputFiles } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [join(program, "src/main.ts")],
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: [...PACKAGES_LEFT_AS_FOLDERS, ...NEVER_INSTALLED],
    // Packages in CommonJS ask for modules of Node by a function that modules do not have.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    define: { BUILT_FROM: JSON.stringify(builtFrom(process.env)) },
    plugins: [patched([...patches, ownRequire(LAZY_PACKAGE)]), withoutDeprecatedBuffer, compilerAsFile],
    // Comments go this way, and this way alone; the lines come back below.
    minifyWhitespace: true,
    sourcemap: false,
    legalComments: "none",
    logLevel: "warning",
    write: false,
  });
  mkdirSync(outdir, { recursive: true });
  for (const { path, text, contents } of outputFiles)
    writeFileSync(path, path.endsWith(".js") ? await inLines(text) : contents);
}

/**
 * The same with a statement in each line: a stack in a log is to be read by people, so names of functions stay as they are too. All of it
 * is ASCII: a process keeps the text that it runs, and one letter that is not makes all of it twice as large in memory.
 */
async function inLines(text: string): Promise<string> {
  const { code } = await transform(text, { target: "node20", charset: "ascii" });
  return code;
}

/** As the labels of an image have it: VERSION is its tag, REVISION a commit, with `-changed` where that is not all. */
export const builtFrom = ({
  VERSION = "",
  REVISION = "",
}: Readonly<Record<string, string | undefined>>): string =>
  `${VERSION} ${REVISION.replace(/^([0-9a-f]{7})[0-9a-f]*(-changed)?$/u, (_, short, changed) => (changed === undefined ? short : `${short}+`))}`.trim();

/** A package that is loaded when it is first needed, by a `require` made for that: in a bundle it is the bundle's own. */
const ownRequire = (file: string): Patch => ({
  file,
  find: "const require = createRequire(import.meta.url);",
  replace: "",
});

/**
 * Old packages that bitsharesjs brings. Node passes over `new Buffer(…)` in a folder of node_modules, and warns of it in a file of
 * ours: two lines among the errors of each process that starts.
 */
const withoutDeprecatedBuffer: Plugin = {
  name: "without deprecated Buffer",
  setup(plugin) {
    plugin.onLoad({ filter: /node_modules\/(?:bigi|bytebuffer|secure-random)\/.*\.js$/ }, ({ path }) => ({
      contents: `${BUFFER_OF}${readFileSync(path, "utf8").replaceAll("new Buffer(", "bufferOf(")}`,
      loader: "js",
    }));
  },
};

/** What `new Buffer` does. */
const BUFFER_OF =
  'const bufferOf = (of, encoding) => typeof of === "number" ? Buffer.alloc(of) : Buffer.from(of, encoding);\n';

/** The compiler of Prisma's queries comes as text in base64, of which a process would keep two copies: here it is a file. */
const compilerAsFile: Plugin = {
  name: "compiler as a file",
  setup(plugin) {
    plugin.onLoad({ filter: /\.wasm-base64\.mjs$/, namespace: "file" }, ({ path: pluginData }) => ({
      contents: `import { readFileSync } from "node:fs";
import file from "./query_compiler.wasm";
export const wasm = readFileSync(new URL(file, import.meta.url));`,
      pluginData,
    }));
    plugin.onResolve({ filter: /^\.\/query_compiler\.wasm$/ }, ({ path, pluginData }) => ({
      path,
      namespace: "compiler",
      pluginData,
    }));
    plugin.onLoad({ filter: /.*/, namespace: "compiler" }, async ({ pluginData }) => {
      const { wasm } = (await import(pluginData)) as { readonly wasm: string };
      return { contents: Buffer.from(wasm, "base64"), loader: "file" };
    });
  },
};

function patched(patches: readonly Patch[]): Plugin {
  return {
    name: "patches",
    setup(plugin) {
      plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(REPOSITORY, path);
        return patches.some((patch) => patch.file === file)
          ? { contents: patchedText(file, patches), loader: "ts" }
          : undefined;
      });
    },
  };
}

/** @returns the text of the file with its patches; throws when one does not fit */
export function patchedText(file: string, patches: readonly Patch[]): string {
  return patches
    .filter((patch) => patch.file === file)
    .reduce(
      (text, { find, replace }) => replacedOnce(text, { of: file, find, replace }),
      readFileSync(join(REPOSITORY, file), "utf8"),
    );
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

const { argv } = process;
if (argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(argv[1])).href)
  await bundle(process.cwd(), join(process.cwd(), "dist"));
