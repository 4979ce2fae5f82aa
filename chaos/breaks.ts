import type { Patch } from "./mutated-workers.ts";
import type { Fault } from "./faults.ts";

/** One safeguard taken away from the real processes, and the trouble that shows it. */
export interface Break {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly sql?: readonly string[];
  /** In the place of the weather, in each round. */
  readonly scenario?: Fault["happen"];
}

export const BREAKS: readonly Break[] = [];
