import { type PostgresCluster, test as base } from "@stakebts/testkit/postgres-cluster";
import { inProcess, type Stakebts, stakebtsWith } from "./stakebts.ts";

/** The command of an operator of this cluster, in this process. */
export const stakebtsOf = ({ operatorSettings }: PostgresCluster): Stakebts =>
  stakebtsWith(operatorSettings, inProcess);

/** A test with a cluster of its own, and the command that operates it. */
export const test = base.extend<{ stakebts: Stakebts }>({
  // The type of a fixture that is itself a function is not inferred.
  stakebts: async ({ cluster }: { cluster: PostgresCluster }, use: (stakebts: Stakebts) => Promise<void>) => {
    await use(stakebtsOf(cluster));
  },
});
