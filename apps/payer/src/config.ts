import { PROCESS_SETTINGS, readEnvironment } from "@stakebts/core/config";

export const readConfig = () => readEnvironment(PROCESS_SETTINGS.payer, process.env);
export type PayerConfig = ReturnType<typeof readConfig>;
