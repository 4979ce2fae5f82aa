import { shares } from "@stakebts/kernel/amount";
import { sharesText } from "@stakebts/kernel/text";
import type { ReconciledBalance } from "../ledger/reconciled-balance.ts";

/** Does the custodian hold on the chain what came in less what went out? */
export function balanceText(balance: ReconciledBalance | undefined): {
  readonly text: string;
  readonly tone: "good" | "notice" | "bad";
} {
  if (balance === undefined) return { text: "compared by no watcher yet", tone: "notice" };
  const { blockNum, expectedShares, agreesAtBlockNum, differenceShares: more } = balance;
  const expected = `${sharesText(expectedShares)} expected after block ${blockNum}`;
  if (more === 0n)
    return { text: `${expected}, the same on the chain after block ${agreesAtBlockNum}`, tone: "good" };
  const size = sharesText(shares(more < 0n ? 0n - more : more));
  return {
    text: `${expected}, but the chain has ${size} ${more < 0n ? "less" : "more"} since block ${agreesAtBlockNum}`,
    tone: "bad",
  };
}
