import { randomUUID } from "node:crypto";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";

const REASON_LENGTH_MAX = 500;

/** Who and why: from the options, else from the system and from the person at the terminal. */
export async function operatorAction(
  context: Context,
  options: { readonly reason?: string; readonly actor?: string },
): Promise<OperatorAction> {
  const actor = (options.actor ?? context.actor ?? "").trim();
  if (actor === "") throw new UsageError("who does this? give --actor, or set USER; it ends in the receipt");
  let reason = options.reason?.trim() ?? "";
  if (reason === "" && context.terminal.isInteractive) reason = await context.terminal.ask("Reason: ");
  if (reason === "") throw new UsageError("why? give --reason '…'; it ends in the receipt");
  if (reason.length > REASON_LENGTH_MAX)
    throw new UsageError(
      `a reason has at most ${REASON_LENGTH_MAX} characters, and this has ${reason.length}`,
    );
  return { id: randomUUID(), actor, reason };
}

/** Yes, from the option or from the person at the terminal. Nobody to ask means no. */
export async function isConfirmed(context: Context, yes: boolean, question: string): Promise<boolean> {
  if (yes) return true;
  if (!context.terminal.isInteractive)
    throw new UsageError(`${question} Nobody is here to be asked: give --yes, or look first with --dry-run`);
  return /^y(?:es)?$/iu.test(await context.terminal.ask(`${question} [y/N] `));
}
