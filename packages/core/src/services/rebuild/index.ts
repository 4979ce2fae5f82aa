export { compareWithChain, type ComparisonDeps } from "./compare-with-chain.ts";
export { type Comparison, type Difference, EXPECTED_CAUSES, type ExpectedCause } from "./difference.ts";
export { type ChainRead, ChainDisagrees, readChain, type ReadDeps } from "./read-chain.ts";
export { rebuildLedger, type RebuildRequest } from "./rebuild-ledger.ts";
export { RebuildRefused } from "./rebuild-refused.ts";
