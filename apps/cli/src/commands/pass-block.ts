import type { Command } from "commander";
import { examineBlock, orderToPass } from "@stakebts/core/operators/pass-block";
import { plainText } from "@stakebts/kernel/plain-text";
import { exactTimeText, sharesText } from "@stakebts/kernel/text";
import { DRY_RUN, isConfirmed, operatorAction } from "../ask.ts";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import {
  type ActionOptions,
  actorOption,
  blockNumber,
  examples,
  jsonOption,
  reasonOption,
} from "../options.ts";
import { printJson } from "../print.ts";

interface Options extends ActionOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function addPassBlock(blocks: Command, run: Run): void {
  blocks
    .command("pass")
    .argument("<block>", "its number", blockNumber)
    .description("Let ingester and watcher go on past a block that no node can deliver.")
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "say what the nodes know of it, and order nothing")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
A majority of all configured nodes has to agree on the block's header and, from the custodian's history, on what the block
holds of the custodian: that is read as from any other block, and a recovery hold takes it for read. Ingester and watcher ask
their own nodes the same before they go on. A block that is delivered after all is read as usual.
It needs STAKEBTS_NODES and STAKEBTS_CUSTODIAN.
${examples(["blocks pass 61234567 --dry-run", "what do the nodes know of it?"], ["blocks pass 61234567 --reason 'no node answers get_block'", "shows it and asks"])}`,
    )
    .action(run(async (context, blockNum: number, options: Options) => pass(context, blockNum, options)));
}

async function pass(context: Context, blockNum: number, options: Options): Promise<ExitCode> {
  const { terminal, ledger, chain } = context;
  const action = options.dryRun === true ? DRY_RUN : await operatorAction(context, options);
  const custodian = await context.custodian();
  const examined = await examineBlock({ chain, ledger }, { blockNum, account: custodian.id });
  if (examined.result === "refused") {
    if (options.json) printJson(terminal, { block: blockNum, ...examined });
    else terminal.out(plainText(`block ${blockNum} is not passed: ${examined.message}`));
    return EXIT.no;
  }
  const { block, balance, why } = examined;
  if (!options.json) {
    terminal.out(plainText(`block ${blockNum} of ${exactTimeText(block.timeMs)}, ${block.blockId}: ${why}`));
    terminal.out(
      `a majority agrees on it; ${block.transfers.length} transfer(s) of ${custodian.name} in it:`,
    );
    for (const { trxInBlock, opInTrx, fromId, toId, amount, assetId } of block.transfers)
      terminal.out(
        `  ${blockNum}:${trxInBlock}:${opInTrx}  ${fromId} to ${toId}: ${amount} units of ${assetId}`,
      );
    terminal.out(`${custodian.name} holds ${sharesText(balance)} now`);
  }
  const asked = options.dryRun === true;
  const isWanted = !asked && (await isConfirmed(context, options.yes ?? false, `Pass block ${blockNum}?`));
  const changed = isWanted && (await orderToPass({ ledger }, { examined, action }));
  if (options.json)
    printJson(terminal, {
      block: blockNum,
      result: examined.result,
      blockId: block.blockId,
      transfers: block.transfers.length,
      balanceShares: `${balance}`,
      why,
      changed,
    });
  else if (isWanted)
    terminal.out(changed ? "ordered: ingester and watcher go on by themselves" : "that was ordered before");
  return asked || isWanted ? EXIT.ok : EXIT.no;
}
