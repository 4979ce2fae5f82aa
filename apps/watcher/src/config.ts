import { PROCESS_SETTINGS, readEnvironment } from "@stakebts/core/config";

export const readConfig = () => readEnvironment(PROCESS_SETTINGS.watcher, process.env);
