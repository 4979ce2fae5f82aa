import type { Log } from "@stakebts/core/ports";

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
