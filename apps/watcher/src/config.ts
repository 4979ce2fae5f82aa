import { PROCESS_SETTINGS } from "@stakebts/core/config/process-settings";
import { policyAlone } from "@stakebts/core/config/policy-file";
import { readEnvironment } from "@stakebts/core/config/environment";

export const readConfig = () => readEnvironment(PROCESS_SETTINGS.watcher, process.env);

/** The policy file as it is now; the rest is read once. Throws StartupError. */
export const readPolicy = () => readEnvironment(policyAlone, process.env).STAKEBTS_POLICY;
