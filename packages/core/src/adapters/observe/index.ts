export { countBlocks, measureCursor, measureNodes } from "./chain-metrics.ts";
export { measureCustody } from "./custody-metrics.ts";
export { measureFreeze } from "./freeze-metrics.ts";
export { type ObservationServer, serveObservation } from "./http-server.ts";
export { measureLedger, measureQueues } from "./ledger-metrics.ts";
export { Metrics } from "./metrics.ts";
export {
  answerObservation,
  countedLog,
  createObservation,
  type Observation,
  type ObservationAnswer,
} from "./observation.ts";
export { measureLead, measureMoney, measurePayments } from "./payer-metrics.ts";
export { Progress } from "./progress.ts";
export { ledgerIsThere, nodeIsThere, type ReadinessCheck } from "./readiness.ts";
export { measureHeartbeat, measureNotifications } from "./watch-metrics.ts";
