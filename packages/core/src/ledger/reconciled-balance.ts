import { type Shares, shares } from "@stakebts/kernel/amount";
import * as z from "zod";

/** What a watcher has noted last of the custodian's balance (ADR 0022): once an hour, and when a difference begins or ends. */
export interface ReconciledBalance {
  /** After this block the custodian should hold `expectedShares`. */
  readonly blockNum: number;
  readonly expectedShares: Shares;
  /** The last block after which the nodes said the same. */
  readonly agreesAtBlockNum: number;
  /** What they say since then that is too much; less than zero is missing, 0 is no difference. */
  readonly differenceShares: Shares;
}

const digits = z.string().regex(/^-?\d+$/u);
const noteSchema = z.object({
  blockNum: z.number().int(),
  shares: digits,
  agreesAtBlockNum: z.number().int(),
  difference: digits.default("0"),
});

/** From the text of a note, which watchers alone can write. */
export function reconciledBalance(note: string): ReconciledBalance {
  const { blockNum, shares: expected, agreesAtBlockNum, difference } = noteSchema.parse(JSON.parse(note));
  return {
    blockNum,
    expectedShares: shares(BigInt(expected)),
    agreesAtBlockNum,
    differenceShares: shares(BigInt(difference)),
  };
}
