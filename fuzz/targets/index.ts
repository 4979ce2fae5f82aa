import type { Target } from "../target.ts";
import { block } from "./block.ts";
import { cli } from "./cli.ts";
import { exchange } from "./exchange.ts";
import { http } from "./http.ts";
import { memo } from "./memo.ts";
import { memoCipher } from "./memo-cipher.ts";
import { policy } from "./policy.ts";
import { rpc } from "./rpc.ts";
import { settings } from "./settings.ts";

export const TARGETS: readonly Target[] = [
  memo,
  memoCipher,
  block,
  rpc,
  exchange,
  policy,
  settings,
  cli,
  http,
];
