#!/usr/bin/env node
// Compiled files lose the executable bit with every build; this one keeps it, so that `npx stakebts` works.
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write("stakebts has not been built yet: run `npm run build` in the repository, once.\n");
  process.exitCode = 78;
}
