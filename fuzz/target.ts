import type { Prng } from "@stakebts/testkit/simulator/prng";

/** Anything that JSON can say, so that a finding can be printed, cut down and replayed. Bytes are hex text. */
export type Input = null | boolean | number | string | readonly Input[] | { readonly [key: string]: Input };

/** A rule was broken: by what came in, nothing may come out that is not documented. */
export class RuleBroken extends Error {
  override readonly name = "RuleBroken";
}

export function rule(condition: unknown, message: string): asserts condition {
  if (!condition) throw new RuleBroken(message);
}

/** One door of the product through which strangers speak. */
export interface Target {
  readonly name: string;
  readonly about: string;
  /** Its share of all inputs. */
  readonly weight: number;
  /** Answers that are read in one run; each has its time. Default 1. */
  readonly answers?: number;
  open(options: OpenOptions): Promise<OpenTarget> | OpenTarget;
}

export interface OpenOptions {
  /** A bug to put in, to see it found: see {@link BREAKAGES}. */
  readonly broken: Breakage | undefined;
}

export interface OpenTarget {
  /** Follows from the random numbers alone. */
  input(random: Prng): Input;
  /** Returns when everything was as documented; anything it throws is a finding. */
  run(input: Input): void | Promise<void>;
  close?(): Promise<void>;
}

/** Bugs that fuzzing has to find, each put in front of the code of one target. */
export const BREAKAGES = {
  surrogate: "memo: half a surrogate pair makes the reader throw",
  backtracking: "memo: a regular expression that takes exponential time",
  "skipped-operation": "block: the second operation of a transaction is not looked at",
  "negative-amount": "block: an amount below zero is let through",
  "echoed-secret": "settings: a message quotes the value that was wrong",
} as const;
export type Breakage = keyof typeof BREAKAGES;
