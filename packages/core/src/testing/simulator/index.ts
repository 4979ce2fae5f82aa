export { runSeed, type SeedOptions, type SeedResult } from "./run-seed.ts";
export { type Safeguard, SAFEGUARDS } from "./safeguards.ts";
