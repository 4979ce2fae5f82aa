export type { OperatorAction, PayoutAnswer } from "./action.ts";
export { cancelPayout, type CancelRequest } from "./cancel-payout.ts";
export { dayOf, type DueDay, forecast, type Forecast, type ForecastLine } from "./forecast.ts";
export { type FundingAnswer, fundingReference, giveUpFunding } from "./give-up-funding.ts";
export { holdPayout } from "./hold-payout.ts";
export { type CaughtUp, ledgerCaughtUp } from "./ledger-caught-up.ts";
export { requeuePayout, type RequeueRequest } from "./requeue-payout.ts";
export { switchPayments } from "./switch-payments.ts";
