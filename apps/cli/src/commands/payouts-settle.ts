import type { Command } from "commander";
import type { OperationId } from "@stakebts/kernel/operation-id";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import { settlePayout } from "@stakebts/core/operators/settle-payout";
import { EXIT } from "../exit.ts";
import { actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";
import type { Run } from "../run.ts";
import { operationOption } from "./operation-option.ts";
import { operatorAction } from "./operator-action.ts";
import { say } from "./payouts-act.ts";
import { payoutReference, type PayoutReference } from "./payout-reference.ts";

interface Options {
  readonly by: OperationId;
  readonly reason?: string;
  readonly actor?: string;
  readonly dryRun?: boolean;
  readonly json: boolean;
}

const DRY_RUN: OperatorAction = { id: "dry-run", actor: "nobody", reason: "dry run" };

export function addPayoutSettle(payouts: Command, run: Run): void {
  payouts
    .command("settle")
    .argument("<payout>", "key or id", payoutReference)
    .description(
      "Confirm a payout by a transfer on the chain that does not name it: v2.4's, or one made by hand.",
    )
    .addOption(operationOption("--by <block:trx:op>", "the transfer that paid it").makeOptionMandatory())
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "say what would happen, and do nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
The transfer must be the custodian's, to this payee and of this amount, and settles one payout only. It has to be in the
ledger: \`stakebts blocks replay\` reads older blocks. This is final. For what v2.4 left in processing, see docs/imports.md.
${examples(["payouts settle reward:59107000:0:0:2 --by 60700000:3:0 --reason 'v2.4 had sent it'", "it was paid"])}`,
    )
    .action(
      run(async (context, reference: PayoutReference, options: Options) => {
        const dryRun = options.dryRun === true;
        const action = dryRun ? DRY_RUN : await operatorAction(context, options);
        const [blockNum = 0, trxInBlock = 0, opInTrx = 0] = options.by.split(":").map(Number);
        const by = { blockNum, trxInBlock, opInTrx };
        const answer = await settlePayout(context, { id: reference.id, by, action, dryRun });
        const named = answer.status === undefined ? { ...answer, payout: reference.text } : answer;
        if (options.json)
          printJson(context.terminal, { action: dryRun ? undefined : action.id, answers: [named] });
        else say(context, named);
        return answer.result === "refused" ? EXIT.no : EXIT.ok;
      }),
    );
}
