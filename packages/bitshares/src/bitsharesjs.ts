import { createRequire } from "node:module";

// bitsharesjs takes a quarter of a second and 25 MB to load. Who reads no key, such as the scheduler or most
// commands of an operator, goes without. (It is CommonJS, and so can be had when it is first needed.)
const require = createRequire(import.meta.url);

export const bitsharesjs = (): typeof import("bitsharesjs") =>
  require("bitsharesjs") as typeof import("bitsharesjs");
