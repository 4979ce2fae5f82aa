import type { Log } from "@stakebts/kernel/log";

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
