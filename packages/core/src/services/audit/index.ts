export { anchorLog, type AnchorDeps } from "./anchor-log.ts";
export { BEFORE_THE_FIRST, hashAfter, sealAll, sealedText } from "./seal.ts";
export { sealReceipts } from "./seal-receipts.ts";
export { type AuditFinding, type Verification, verifyLog, type VerifyRequest } from "./verify-log.ts";
