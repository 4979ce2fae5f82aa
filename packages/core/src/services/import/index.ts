export {
  type BlockRange,
  blocksIn,
  type BlocksRead,
  importMarks,
  nameOf,
  needPassedBlocks,
  planBlocks,
  rangesAround,
  readBlocks,
  stepsOf,
} from "./import-blocks.ts";
export { ImportRefused, needPaymentsOff, type OnProgress } from "./import-refused.ts";
export { agreementOfLine, importText } from "./import-text.ts";
export { importV24, rowsThatWentOn, type V24Import, type V24Imported } from "./import-v24.ts";
export type { PlannedTransfer } from "./plan-blocks.ts";
export { readV24Receipts } from "./v24-receipts.ts";
export {
  HELD_REASON,
  type OfferedAgreement,
  planAgreements,
  type PlannedAgreement,
  writeAgreements,
  type WrittenAgreements,
} from "./write-agreements.ts";
