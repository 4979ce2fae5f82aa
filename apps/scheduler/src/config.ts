import { PROCESS_SETTINGS } from "@stakebts/core/config/process-settings";
import { readEnvironment } from "@stakebts/core/config/environment";

export const readConfig = () => readEnvironment(PROCESS_SETTINGS.scheduler, process.env);
