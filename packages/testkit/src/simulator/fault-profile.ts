import type { Prng } from "./prng.ts";

/** How often what goes wrong: probabilities per call, if nothing else is said. */
export interface FaultProfile {
  /** The process dies, before or after the call. */
  readonly crash: number;
  /** A question or an answer takes seconds to minutes. */
  readonly late: number;
  /** The database cannot be reached; or it can, and the answer is lost after it has done what was asked. */
  readonly database: number;
  /** No node answers. */
  readonly nodes: number;
  /** A node says of a balance or of a transaction what is not so. */
  readonly lies: number;
  /** Of a broadcast: the request or the answer is lost, or it waits for a while. */
  readonly broadcast: number;
  /** Of a question to the exchange. */
  readonly exchange: number;
  /** Of a job: it is lost, or made twice. */
  readonly jobs: number;
  /** Per block: the last few are undone. */
  readonly forks: number;
}

export const NO_FAULTS: FaultProfile = {
  crash: 0,
  late: 0,
  database: 0,
  nodes: 0,
  lies: 0,
  broadcast: 0,
  exchange: 0,
  jobs: 0,
  forks: 0,
};

/** Each seed has a fault profile of its own: some have one fault often, some many, some none of a kind. */
export function drawFaultProfile(prng: Prng): FaultProfile {
  const some = (most: number): number => (prng.chance(0.35) ? 0 : most * prng.next() ** 2);
  return {
    crash: some(0.03),
    late: some(0.05),
    database: some(0.03),
    nodes: some(0.1),
    lies: some(0.1),
    broadcast: some(0.5),
    exchange: some(0.4),
    jobs: some(0.2),
    forks: some(0.1),
  };
}
