import type { Target } from "../target.ts";
import { block } from "./block.ts";
import { memo } from "./memo.ts";
import { memoCipher } from "./memo-cipher.ts";
import { policy } from "./policy.ts";
import { rpc } from "./rpc.ts";
import { settings } from "./settings.ts";

export const TARGETS: readonly Target[] = [memo, memoCipher, block, rpc, policy, settings];
