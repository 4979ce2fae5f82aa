export { checkQuorum, ConfigError, type Environment, readEnvironment, settings, shown } from "./environment.ts";
export { type CustodianPolicy, readPolicy } from "./policy-file.ts";
