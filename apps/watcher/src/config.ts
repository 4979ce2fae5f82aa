import { PROCESS_SETTINGS } from "@stakebts/core/config/process-settings";
import { readEnvironment } from "@stakebts/core/config/environment";

export const readConfig = () => readEnvironment(PROCESS_SETTINGS.watcher, process.env);

const policyAlone = PROCESS_SETTINGS.watcher.pick({ STAKEBTS_POLICY: true });

/** The policy file as it is now; the rest is read once. Throws StartupError. */
export const readPolicy = () => readEnvironment(policyAlone, process.env).STAKEBTS_POLICY;
