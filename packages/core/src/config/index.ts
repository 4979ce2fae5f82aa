export {
  checkQuorum,
  ConfigError,
  type Environment,
  readEnvironment,
  settings,
  shown,
} from "./environment.ts";
export {
  depositMemoSettings,
  type ExchangeCredentials,
  exchangeCredentials,
  exchangeKeyChecks,
  exchangeKeySettings,
  rolesOf,
} from "./exchange-settings.ts";
export { type Exposure, exposures, forgetSecrets } from "./exposure.ts";
export { checkNotify, notifySettings } from "./notify-settings.ts";
export { type CustodianPolicy, type PolicyFile, policyOf } from "./policy-file.ts";
export { PROCESS_SETTINGS, type ProcessName } from "./process-settings.ts";
