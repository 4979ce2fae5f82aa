export { type Balances, reportTreasury, type Shortage, shortages } from "./report-treasury.ts";
export { newTreasuryMemory, runTreasury, type TreasuryMemory } from "./run-treasury.ts";
export type { FundingSource, TreasuryDeps } from "./treasury.ts";
