import type { Command } from "commander";
import { approvePayout } from "@stakebts/core/limits/approve-payout";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import { EXIT } from "../exit.ts";
import { actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";
import type { Run } from "../run.ts";
import { operatorAction } from "./operator-action.ts";
import { payoutReference, type PayoutReference } from "./payout-reference.ts";
import { say } from "./payouts-act.ts";

interface Options {
  readonly reason?: string;
  readonly actor?: string;
  readonly dryRun?: boolean;
  readonly json: boolean;
}

const NOBODY: OperatorAction = { id: "dry-run", actor: "nobody", reason: "dry run" };

export function addPayoutApprove(payouts: Command, run: Run): void {
  payouts
    .command("approve")
    .argument("<payout>", "key or id", payoutReference)
    .description("Let a payout go that a limit holds. One at a time: look at each.")
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "say what would happen, and do nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
It is good for this payee, this amount and every attempt. Whoever has requeued or released the payout cannot approve it.
An hour or a day that is full stays full: the payout then waits for room.
${examples(["payouts failed", "what is held, and why"], ["payouts approve base:60692861:0:0 --reason 'agreement compared with the chain'", "then it is paid"])}`,
    )
    .action(
      run(async (context, reference: PayoutReference, options: Options) => {
        const dryRun = options.dryRun === true;
        const action = dryRun ? NOBODY : await operatorAction(context, options);
        const answer = await approvePayout(context, { id: reference.id, action, dryRun });
        const shown = answer.status === undefined ? { ...answer, payout: reference.text } : answer;
        if (options.json) printJson(context.terminal, shown);
        else say(context, shown);
        return answer.result === "refused" ? EXIT.no : EXIT.ok;
      }),
    );
}
