export {
  type Bts,
  bts,
  formatShares,
  MAX_SUPPLY_SHARES,
  percentOf,
  type Shares,
  shares,
  SHARES_PER_BTS,
  toBtsRoundedDown,
  toShares,
} from "./amount.ts";
export { assert, AssertionError, assertNever } from "./assert.ts";
export type { Disposition } from "./errors.ts";
export { compareOperations, operationId, type OperationId, type OperationPosition } from "./operation-id.ts";
export { DAY_MS, HOUR_MS, type Millis, millis, MINUTE_MS, plusMs, SECOND_MS } from "./time.ts";
