import { type Command, InvalidArgumentError, Option } from "commander";
import { type Bts, bts } from "@stakebts/kernel/amount";
import type { PaymentLimits } from "@stakebts/core/rules/limits";
import type { StatusView } from "@stakebts/core/ledger/view";
import { setLimits } from "@stakebts/core/limits/set-limits";
import { btsText, numberText } from "@stakebts/kernel/text";
import type { Context, Run } from "../context.ts";
import { EXIT, UsageError } from "../exit.ts";
import { actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";
import { operatorAction } from "../ask.ts";

interface Options {
  readonly perPayment?: Limit;
  readonly perHour?: Limit;
  readonly perDay?: Limit;
  readonly returnsPerHour?: Limit;
  readonly returnsPerDay?: Limit;
  readonly approvalFrom?: Limit;
  readonly reason?: string;
  readonly actor?: string;
  readonly json: boolean;
}

/** Left out, it stays as it is. */
type Limit = Bts | "none";

function limit(text: string): Limit {
  if (text === "none") return text;
  if (!/^[1-9][0-9]{0,9}$/u.test(text))
    throw new InvalidArgumentError("Expected whole BTS, more than 0, such as 50000; or none.");
  return bts(BigInt(text));
}

const limitOption = (flags: string, description: string): Option =>
  new Option(`${flags} <bts>`, `${description}; none for no such limit`).argParser(limit);

export function addLimits(program: Command, run: Run): void {
  const limits = program
    .command("limits")
    .description(
      "How much may be paid: per payment, per hour, per day, and from where on a second person approves.",
    );
  limits
    .command("show", { isDefault: true })
    .description("The limits in force, and what they hold back now.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(["limits", "what may be paid?"], ["receipts --event limits.set", "who set them"]),
    )
    .action(
      run(async (context, options: { json: boolean }) => {
        const status = await context.view.status();
        if (options.json) printJson(context.terminal, { limits: status.limits, limited: status.limited });
        else show(context, status);
        return EXIT.ok;
      }),
    );
  limits
    .command("set")
    .description("Change limits. Those that are not named stay; the change holds from the next payment on.")
    .addOption(limitOption("--per-payment", "a larger payment waits for a person"))
    .addOption(limitOption("--per-hour", "what may be signed in any 60 minutes"))
    .addOption(limitOption("--per-day", "what may be signed in any 24 hours"))
    .addOption(limitOption("--returns-per-hour", "the same of what goes back to its senders"))
    .addOption(limitOption("--returns-per-day", "the same of what goes back to its senders"))
    .addOption(limitOption("--approval-from", "payments of this amount and above wait for a second person"))
    .addOption(reasonOption())
    .addOption(actorOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Amounts are whole BTS, without network fees. What does not fit into an hour or a day waits, oldest first, and is paid when
there is room. Refunds, base amounts and early exits go back to those who sent them: they are counted apart, so that no stranger
fills the room of the programme with his own money, and up to the same caps if they have none of their own; refunds come last.
Hours and days are those of the chain. A payment that alone is larger than an hour or a day waits for a person.
${examples(["limits set --per-day 2000000 --reason 'twice the most that was ever due in a day'", "a ceiling"], ["limits set --approval-from 500000 --reason 'two people look at these'", "four eyes"])}`,
    )
    .action(
      run(async (context, options: Options) => {
        const change = changeOf(options);
        if (Object.keys(change).length === 0)
          throw new UsageError(
            "which limit? --per-payment, --per-hour, --per-day, --returns-per-hour, --returns-per-day or --approval-from",
          );
        const action = await operatorAction(context, options);
        const { changed, before, after } = await setLimits(context, { change, action });
        if (options.json) printJson(context.terminal, { changed, before, after });
        else {
          context.terminal.out(changed ? "set:" : "these hold already: nothing was changed");
          show(context, await context.view.status());
        }
        return EXIT.ok;
      }),
    );
}

function changeOf({
  perPayment,
  perHour,
  perDay,
  returnsPerHour,
  returnsPerDay,
  approvalFrom,
}: Options): Partial<PaymentLimits> {
  const given = {
    paymentCap: perPayment,
    hourCap: perHour,
    dayCap: perDay,
    returnHourCap: returnsPerHour,
    returnDayCap: returnsPerDay,
    approvalFrom,
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value === "none" ? undefined : value]],
    ),
  );
}

export const limitsText = ({
  paymentCap,
  hourCap,
  dayCap,
  returnHourCap,
  returnDayCap,
  approvalFrom,
}: PaymentLimits): string =>
  [
    paymentCap === undefined ? [] : `${btsText(paymentCap)} per payment`,
    hourCap === undefined ? [] : `${numberText(hourCap)} per hour`,
    dayCap === undefined ? [] : `${numberText(dayCap)} per day`,
    returnHourCap === undefined ? [] : `${numberText(returnHourCap)} returned per hour`,
    returnDayCap === undefined ? [] : `${numberText(returnDayCap)} returned per day`,
    approvalFrom === undefined ? [] : `approval from ${numberText(approvalFrom)}`,
  ]
    .flat()
    .join(", ") || "none";

/** One line for each limit that holds something back. */
export const limitedTexts = ({ limited }: Pick<StatusView, "limited">): readonly string[] =>
  limited.map(({ by, held, count, amount }) => {
    const what = `${count} payment(s) of ${btsText(amount)}`;
    if (held) return `${what} wait for approval (${by.replace("_", " ")})`;
    return `${what} wait for room in the ${by === "hour_cap" ? "hour" : "day"}`;
  });

function show({ terminal }: Context, status: Pick<StatusView, "limits" | "limited">): void {
  const { paymentCap, hourCap, dayCap, returnHourCap, returnDayCap, approvalFrom } = status.limits;
  const line = (name: string, amount: Bts | undefined, otherwise = "none") =>
    terminal.out(`${name.padEnd(14)} ${amount === undefined ? otherwise : `${btsText(amount)}`}`);
  line("per payment", paymentCap);
  line("per hour", hourCap);
  line("per day", dayCap);
  line("returned/hour", returnHourCap, "as per hour, counted apart");
  line("returned/day", returnDayCap, "as per day, counted apart");
  line("approval from", approvalFrom);
  for (const text of limitedTexts(status)) terminal.out(terminal.paint("yellow", text));
}
