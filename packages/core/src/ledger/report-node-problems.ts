import type { NodeTrouble } from "@stakebts/bitshares/chain";
import type { NewReceipt } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import { logReceipt } from "./log-receipt.ts";

interface TroubleDeps {
  readonly chain: { takeTroubles(): readonly NodeTrouble[] };
  readonly log: Log;
  readonly write: (receipts: readonly NewReceipt[]) => Promise<unknown>;
}

/**
 * Writes down, for people, which lies of nodes were found and what the nodes do not agree on. Nothing else follows here: what
 * is not agreed on is not read, and a ledger that is behind is not paid from.
 */
export async function reportTroubles({ chain, log, write }: TroubleDeps): Promise<void> {
  const receipts = chain.takeTroubles().map(receiptFor);
  if (receipts.length === 0) return;
  for (const receipt of receipts) logReceipt(log, receipt);
  await write(receipts);
}

function receiptFor(trouble: NodeTrouble): NewReceipt {
  switch (trouble.type) {
    case "lie":
      return {
        event: "node.lied",
        subject: trouble.node,
        details: {
          reason: trouble.what.slice(0, 500),
          todo: "nothing is read from it for an hour: take it out of STAKEBTS_NODES unless you know why",
        },
      };
    case "dispute":
      return {
        event: "nodes.disagree",
        subject: trouble.what.slice(0, 200),
        details: {
          reason: trouble.said.slice(0, 1_000) || "no node answered",
          todo: `nothing is paid until ${trouble.needed} nodes agree: compare them with a node of another operator`,
        },
      };
    default:
      throw new TypeError(`unknown trouble ${String(trouble satisfies never)}`);
  }
}
