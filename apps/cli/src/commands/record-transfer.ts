import { type Command, Option } from "commander";
import {
  examineTransfer,
  type RecordRequest,
  recordTransfer,
} from "@stakebts/core/operators/record-transfer";
import { assert } from "@stakebts/kernel/assert";
import { type OperationId, operationId, operationPosition } from "@stakebts/kernel/operation-id";
import { plainText } from "@stakebts/kernel/plain-text";
import { exactTimeText, sharesText } from "@stakebts/kernel/text";
import { DRY_RUN, isConfirmed, operatorAction } from "../ask.ts";
import { type Context, ingestDeps, type Run } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import {
  type ActionOptions,
  actorOption,
  examples,
  jsonOption,
  operationOption,
  reasonOption,
  whole,
} from "../options.ts";
import { printJson } from "../print.ts";

interface Options extends ActionOptions {
  readonly proposal: OperationId;
  readonly executed: OperationId;
  readonly operation?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function addRecordTransfer(transfers: Command, run: Run): void {
  transfers
    .command("record")
    .description("Write down what an executed proposal has paid in, where no node tells of it any more.")
    .addOption(
      operationOption(
        "--proposal <block:trx:op>",
        "the operation that made the proposal",
      ).makeOptionMandatory(),
    )
    .addOption(
      operationOption(
        "--executed <block:trx:op>",
        "the approval that executed it; at its expiration: that block, the number of its transactions, 0",
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--operation <number>",
        "which operation of the proposal, from 0 on, if it has several transfers",
      ).argParser(whole),
    )
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "show it, and write nothing")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Sender, amount and memo are read from the block of the proposal, on which a majority of the nodes has to agree; payer and watcher read
them there themselves. That the proposal was executed is your word: look at the approval in an explorer, and at the balance, which
the watcher compares. The transfer is answered as of its block like any other. The same one cannot be recorded twice.
Of a transfer that the ledger has, it tells payer and watcher where to look when nodes have removed the account's history.
It needs STAKEBTS_NODES, STAKEBTS_CUSTODIAN and STAKEBTS_MEMO_KEY.
${examples(["transfers record --proposal 61234000:3:0 --executed 61234567:0:0 --dry-run", "what does it pay?"])}`,
    )
    .action(run(async (context, options: Options) => record(context, options)));
}

async function record(context: Context, options: Options): Promise<ExitCode> {
  const { terminal } = context;
  const isDry = options.dryRun === true;
  const action = isDry ? DRY_RUN : await operatorAction(context, options);
  const [proposal, executed] = [options.proposal, options.executed].map(operationPosition);
  assert(proposal !== undefined && executed !== undefined, "their options were parsed");
  const request: RecordRequest = { proposal, executed, proposedOp: options.operation };
  const deps = { ...(await ingestDeps(context)), chain: context.chain };
  const examined = await examineTransfer(deps, request);
  if (examined.result === "refused") {
    if (options.json) printJson(terminal, examined);
    else terminal.out(plainText(`not recorded: ${examined.message}`));
    return EXIT.no;
  }
  const { transfer, isThere } = examined;
  const at = operationId(transfer.operation);
  const what = `${sharesText(transfer.amount)} of ${transfer.assetId} from ${transfer.sender}, ${exactTimeText(transfer.blockTimeMs)}`;
  if (!options.json)
    terminal.out(
      plainText(
        `${at}: ${what}; it asks for ${transfer.request?.type ?? "nothing"}${isThere ? "; the ledger has it" : ""}`,
      ),
    );
  const isWanted = !isDry && (await isConfirmed(context, options.yes ?? false, `Record ${at}?`));
  const changed = isWanted && (await recordTransfer(deps, { examined, request, action }));
  if (options.json)
    printJson(terminal, {
      operation: at,
      sender: transfer.sender,
      amountShares: `${transfer.amount}`,
      assetId: transfer.assetId,
      request: transfer.request?.type ?? null,
      isThere,
      changed,
    });
  else if (isWanted) terminal.out(changed ? "recorded; it is answered next" : "that was recorded before");
  return isDry || isWanted ? EXIT.ok : EXIT.no;
}
