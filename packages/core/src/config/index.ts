export {
  checkQuorum,
  ConfigError,
  type Environment,
  readEnvironment,
  settings,
  shown,
} from "./environment.ts";
export {
  depositMemos,
  type ExchangeCredentials,
  exchangeCredentials,
  exchangeKeyChecks,
  exchangeKeySettings,
} from "./exchange-settings.ts";
export { type CustodianPolicy, type PolicyFile, policyOf } from "./policy-file.ts";
export { PROCESS_SETTINGS, type ProcessName } from "./process-settings.ts";
