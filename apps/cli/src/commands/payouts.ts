import type { Command } from "commander";
import type { Run } from "../run.ts";
import { addPayoutActions } from "./payouts-act.ts";
import { addPayoutApprove } from "./payouts-approve.ts";
import { addPayoutLists } from "./payouts-list.ts";
import { addPayoutSettle } from "./payouts-settle.ts";
import { addPayoutShow } from "./payouts-show.ts";

export function addPayouts(program: Command, run: Run): void {
  const payouts = program
    .command("payouts")
    .description(
      "The debts of the custodian, each settled by one transfer: look at them, and decide about those that wait for a person.",
    );
  addPayoutLists(payouts, run);
  addPayoutShow(payouts, run);
  addPayoutActions(payouts, run);
  addPayoutApprove(payouts, run);
  addPayoutSettle(payouts, run);
}
