import { type Command, InvalidArgumentError, Option } from "commander";
import { acceptBalance } from "@stakebts/core/operators/accept-balance";
import { type Shares, shares, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { sharesText } from "@stakebts/kernel/text";
import { isConfirmed, operatorAction } from "../ask.ts";
import type { Run } from "../context.ts";
import { EXIT } from "../exit.ts";
import { type ActionOptions, actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";

interface Options extends ActionOptions {
  readonly amount: Shares;
  readonly yes?: boolean;
}

const signedBts = (text: string): Shares => {
  const [, sign, whole, part = ""] = /^([+-]?)(\d{1,10})(?:\.(\d{1,5}))?$/u.exec(text) ?? [];
  const amount = BigInt(whole ?? 0) * SHARES_PER_BTS + BigInt(part.padEnd(5, "0"));
  if (amount === 0n) throw new InvalidArgumentError("Expected BTS such as 12.5, or -12.5 for what has left.");
  return shares(sign === "-" ? -amount : amount);
};

export function addBalance(program: Command, run: Run): void {
  const balance = program.command("balance").description("What the watcher expects the custodian to hold.");
  balance
    .command("accept")
    .description("Vouch for what came or left otherwise than by a transfer.")
    .addOption(
      new Option("--amount <bts>", "as the alarm says it; less than zero for what has left")
        .argParser(signedBts)
        .makeOptionMandatory(),
    )
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
For vesting balances that were claimed, referral income, fills of the market, fees of operations by hand. What an executed
proposal has paid in is not accepted but recorded (\`stakebts transfers record\`): its sender is owed an answer.
Payments that the alarm has stopped stay stopped until they are resumed (\`stakebts payments on\`).
${examples(["balance accept --amount 1250 --reason 'vesting balance claimed'", "came"], ["balance accept --amount -0.12345 --reason 'fee of the new memo key'", "left"])}`,
    )
    .action(
      run(async (context, options: Options) => {
        const { amount } = options;
        const action = await operatorAction(context, options);
        const question = `Reckon with ${sharesText(amount)} that no transfer explains?`;
        if (!(await isConfirmed(context, options.yes ?? false, question))) return EXIT.no;
        await acceptBalance(context, { amount, action });
        if (options.json) printJson(context.terminal, { amountShares: `${amount}`, action: action.id });
        else context.terminal.out(`accepted: ${sharesText(amount)}; the watcher reckons with it from now on`);
        return EXIT.ok;
      }),
    );
}
