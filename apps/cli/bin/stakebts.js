#!/usr/bin/env node
// Compiled files lose the executable bit with every build; this one keeps it, so that `npx stakebts` works.
import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

// The compiler of queries is WebAssembly that a command runs once: without this a quarter of a second goes into making it faster.
setFlagsFromString("--liftoff-only");
const main = new URL("../dist/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write("stakebts has not been built yet: run `npm run build` in the repository, once.\n");
  process.exitCode = 78;
}
