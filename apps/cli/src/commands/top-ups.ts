import type { Command } from "commander";
import { pathTo } from "@stakebts/core/operators/console-paths";
import type { TopUpRecord } from "@stakebts/core/ledger/ledger";
import { giveUpTopUp, topUpReference } from "@stakebts/core/operators/give-up-top-up";
import { TOP_UPS } from "@stakebts/core/operators/lists";
import { TOP_UP_STATUSES, topUpSourceName, type TopUpStatus } from "@stakebts/core/rules/top-up";
import { operationId } from "@stakebts/kernel/operation-id";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, timeText } from "@stakebts/kernel/text";
import { operatorAction } from "../ask.ts";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { actorOption, examples, jsonOption, limitOption, listOption, reasonOption } from "../options.ts";
import { factPrinter, printJson, printTable } from "../print.ts";

export function addTopUp(program: Command, run: Run): void {
  const topUp = program
    .command("top-ups")
    .description(
      "Funds that were requested: top-ups from the reserve account or an exchange, and what managers have ordered.",
    );
  topUp
    .command("list", { isDefault: true })
    .description("Requests for funds, newest last.")
    .addOption(listOption("--status <status>", "only these", TOP_UP_STATUSES))
    .addOption(limitOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
requested: the source was not asked yet. asked: no answer yet. accepted: the source holds it. arrived: an irreversible block brought
it. refused, cancelled: nothing was sent. unresolved: find out at the source, then \`stakebts top-ups give-up\`.
${examples(
  ["top-ups list", "what was asked for lately"],
  ["top-ups list --status unresolved", "what waits for a person"],
)}`,
    )
    .action(
      run(async (context, options: { status?: readonly TopUpStatus[]; limit: number; json: boolean }) =>
        list(context, options),
      ),
    );
  topUp
    .command("show")
    .argument("<top-up>", "key, such as top-up:1:7, or id")
    .description("One request with everything that is known of it.")
    .addOption(jsonOption())
    .addHelpText("after", examples(["top-ups show top-up:1:7", "where does it stand?"]))
    .action(run(async (context, text: string, options: { json: boolean }) => show(context, text, options)));
  topUp
    .command("give-up")
    .argument("<top-up>", "key, such as top-up:1:7, or id")
    .description("You have looked at the source: it will never send this. The source may be asked again.")
    .addOption(reasonOption())
    .addOption(actorOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples([
        "top-ups give-up top-up:1:7 --reason 'support says it never saw the request'",
        "and a top-up is requested again",
      ]),
    )
    .action(
      run(
        async (
          context,
          text: string,
          options: { reason?: string; actor?: string; json: boolean },
        ): Promise<ExitCode> => {
          const { terminal } = context;
          const action = await operatorAction(context, options);
          const answer = await giveUpTopUp(context, { id: topUpReference(text), action });
          if (options.json) printJson(terminal, answer);
          else {
            terminal.out(plainText(`${answer.result}: ${answer.topUp} ${answer.message}`));
            if (answer.todo !== undefined) terminal.out(`  → ${answer.todo}`);
          }
          return answer.result === "refused" ? EXIT.no : EXIT.ok;
        },
      ),
    );
}

async function list(
  { terminal, ledger }: Context,
  { status, limit, json }: { status?: readonly TopUpStatus[]; limit: number; json: boolean },
): Promise<ExitCode> {
  const found = await ledger.topUps.find({ statuses: status, ...(limit === 0 ? {} : { limit }) });
  if (json) {
    printJson(terminal, { topUps: found.map(shown) });
    return EXIT.ok;
  }
  if (found.length === 0) {
    terminal.out("no funds were asked for");
    return EXIT.ok;
  }
  printTable(terminal, TOP_UPS, found);
  return EXIT.ok;
}

async function show(context: Context, text: string, { json }: { json: boolean }): Promise<ExitCode> {
  const { terminal, ledger } = context;
  const id = topUpReference(text);
  const found = (await ledger.topUps.find({})).find((topUp) => topUp.id === id);
  if (found === undefined) {
    terminal.note(`there is no request ${plainText(text)}; \`stakebts top-ups list\` shows them`);
    return EXIT.no;
  }
  if (json) {
    printJson(terminal, shown(found));
    return EXIT.ok;
  }
  const fact = factPrinter(terminal, 12);
  const line = (name: string, value: string | undefined) =>
    fact(name, value === undefined ? undefined : plainText(value));
  line("request", found.key);
  line("page", context.linkTo(pathTo.topUp(found.key)));
  line("id", found.id);
  line("from", topUpSourceName(found.source));
  line("amount", `${btsText(found.amount)}`);
  line("status", found.status);
  line("reason", found.reason);
  line("at source", found.venueStatus);
  line("source's id", found.venueId);
  line("txid", found.txid);
  line("memo", found.memo);
  line("requested", `${timeText(found.requestedMs)} UTC, chain time`);
  line(
    "asked",
    found.askedAtMs === undefined
      ? undefined
      : `${found.asks} time(s), last ${timeText(found.askedAtMs)} UTC`,
  );
  line("arrived by", found.arrivedBy === undefined ? undefined : operationId(found.arrivedBy));
  return EXIT.ok;
}

/** Signed bytes are long and of no use to a reader; the transaction id names them. */
const shown = ({ signed, arrivedBy, ...rest }: TopUpRecord) => ({
  ...rest,
  expirationMs: signed?.expirationMs,
  arrivedBy: arrivedBy === undefined ? undefined : operationId(arrivedBy),
});
