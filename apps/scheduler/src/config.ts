import { PROCESS_SETTINGS, readEnvironment } from "@stakebts/core/config";

export const readConfig = () => readEnvironment(PROCESS_SETTINGS.scheduler, process.env);
export type SchedulerConfig = ReturnType<typeof readConfig>;
