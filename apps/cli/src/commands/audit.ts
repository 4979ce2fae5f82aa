import { type Command, InvalidArgumentError, Option } from "commander";
import type { AuditLog } from "@stakebts/core/audit/audit-log";
import { createAuditLog } from "@stakebts/core/audit/postgres-audit-log";
import { type Verification, verifyLog } from "@stakebts/core/audit/verify-log";
import { checkReceipt } from "@stakebts/core/ledger/nightly-checks";
import { RECEIPTS } from "@stakebts/core/operators/lists";
import { plainText } from "@stakebts/kernel/plain-text";
import { jsonText, timeText } from "@stakebts/kernel/text";
import { readSettings } from "../config.ts";
import { type Context, type Run, writeDown } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import {
  examples,
  jsonOption,
  limitOption,
  offsetOption,
  type PageOptions,
  parseWhen,
  whenOption,
  windowOf,
} from "../options.ts";
import { printJson, printList } from "../print.ts";

interface ReceiptOptions extends PageOptions {
  readonly event?: string;
  readonly subject?: string;
  readonly since?: string;
}

export function addReceipts(program: Command, run: Run): void {
  program
    .command("receipts")
    .description("The audit trail, newest first: what happened, to what, and on whose order.")
    .option("--event <name>", "of this name, or beginning like this: 'payout.*'")
    .option("--subject <key>", "about this payout, transfer (block:trx:op), row or process")
    .addOption(whenOption("--since <when>", "written since", "past"))
    .addOption(limitOption())
    .addOption(offsetOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["receipts --event 'payout.*' --since 48h", "what became of payouts lately"],
        ["receipts --subject reward:60692861:0:0:1", "everything about one payout"],
        ["receipts --event payments.switched_off", "who stopped payments, when and why"],
      ),
    )
    .action(
      run(async ({ terminal, view, clock }, options: ReceiptOptions) => {
        const { event, subject, since } = options;
        const sinceMs = since === undefined ? undefined : parseWhen(since, "past", clock.nowMs());
        const page = await view.receipts({ ...windowOf(options), event, subject, sinceMs });
        printList(terminal, { name: "receipts", columns: RECEIPTS, page }, options);
        return EXIT.ok;
      }),
    );
}

interface Head {
  readonly seq: number;
  readonly hash: string;
}
interface VerifyOptions {
  readonly from?: number;
  readonly checkpoint: readonly Head[];
  readonly json: boolean;
}

const place = (text: string): number => {
  if (!/^[1-9][0-9]{0,14}$/u.test(text))
    throw new InvalidArgumentError("Expected a place in the log: 1, 2, …");
  return Number(text);
};

/** `hash@n`, as `audit head` prints it. */
const head = (text: string, before: readonly Head[]): readonly Head[] => {
  const [, hash, seq] = /^([0-9a-f]{64})@([1-9][0-9]{0,14})$/u.exec(text) ?? [];
  if (hash === undefined || seq === undefined)
    throw new InvalidArgumentError(
      "Expected a head as `stakebts audit head` prints it: 64 digits, @, a number.",
    );
  return [...before, { hash, seq: Number(seq) }];
};

export function addAudit(program: Command, run: Run): void {
  const audit = program
    .command("audit")
    .description("The receipts, linked by a chain of hashes: was any of them changed?");
  audit
    .command("verify")
    .description("Go through the whole log: every record that was changed, taken away or put in later.")
    .addOption(new Option("--from <n>", "begin here, and take what is before it for right").argParser(place))
    .addOption(
      new Option("--checkpoint <hash@n>", "a head that was written down elsewhere (may be repeated)")
        .argParser(head)
        .default([], "none"),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Each receipt is chained by a hash over it and the hash before it, within seconds, by the scheduler. What was changed in place
shows by itself. A log that was cut at its end, or chained anew from some record on, fits in itself: only a head that is
kept elsewhere shows that. Daily checkpoints on the chain (STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT) are compared with the log without being
asked for; \`rebuild --compare\` shows whether the ledger's transfers, and so the checkpoints, are those of the chain.

A log begins anew with a rebuilt ledger, and that of a restored one ends where the backup was made; both are said.
How it ended is a receipt: \`audit.passed\`, or \`audit.differs\`, of which operators are notified.
How to check it with another program: docs/audit-log.md. Exit code 1 if something was found.
${examples(["audit verify", "before and after everything that touches the database"], ["audit verify --checkpoint 5d3c…@81234", "against a head from last month's statement"])}`,
    )
    .action(
      run((context, options: VerifyOptions) => withLog(context, (log) => verify(context, log, options))),
    );
  audit
    .command("head")
    .description("The newest hash chain entry: write it down where the users of the database cannot write.")
    .addOption(jsonOption())
    .addHelpText("after", examples(["audit head", "hash@n, for `audit verify --checkpoint`"]))
    .action(
      run((context, options: { json: boolean }) =>
        withLog(context, async (log) => {
          const { terminal } = context;
          const found = await log.head();
          if (options.json) printJson(terminal, { head: found });
          else if (found === undefined) terminal.note("nothing is chained yet: is the scheduler running?");
          else {
            terminal.out(`${found.hash}@${found.seq}`);
            terminal.note(`chained ${timeText(found.chainedAtMs)} UTC`);
          }
          return found === undefined ? EXIT.no : EXIT.ok;
        }),
      ),
    );
}

async function withLog(context: Context, work: (log: AuditLog) => Promise<ExitCode>): Promise<ExitCode> {
  const log = createAuditLog({ url: readSettings("database", context.environment).DATABASE_URL });
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}

async function verify(context: Context, log: AuditLog, options: VerifyOptions): Promise<ExitCode> {
  const { terminal } = context;
  const verification = await log.look((contents) =>
    verifyLog(contents, { fromSeq: options.from, heads: options.checkpoint }, (finding) =>
      terminal.out(
        options.json
          ? jsonText({ finding })
          : plainText(
              `${terminal.paint("red", finding.kind.padEnd(14))} ${finding.message} → ${finding.todo}`,
            ),
      ),
    ),
  );
  if (options.json) terminal.out(jsonText({ verification }));
  else for (const line of inWords(verification)) terminal.out(line);
  const { findings, fromSeq, chained } = verification;
  // What is before it was taken for right.
  if (options.from === undefined || findings > 0)
    await writeDown(
      context,
      checkReceipt("audit", {
        found: findings,
        details: { fromSeq, chained },
        todo: "`stakebts audit verify` names each: docs/runbook.md, A changed audit log",
      }),
    );
  return findings === 0 ? EXIT.ok : EXIT.no;
}

function* inWords({
  fromSeq,
  chained,
  waiting,
  head: newest,
  checkpointsHeld,
  checkpointsOfBefore,
  beganAnew,
  findings,
}: Verification): Generator<string> {
  yield `${chained} chained record(s) from ${fromSeq} on, ${waiting} wait to be chained; ${checkpointsHeld} checkpoint(s) hold`;
  for (const { event, atMs } of beganAnew)
    yield `${event} at ${timeText(atMs)} UTC: what was written after the backup, or in the ledger before, is not in this log`;
  if (checkpointsOfBefore > 0)
    yield `${checkpointsOfBefore} checkpoint(s) on the chain were made by the ledger before that, and name records that were lost with it: not forged, as far as this log can say`;
  if (newest !== undefined) yield `head ${newest.hash}@${newest.seq}`;
  yield findings === 0 ? "nothing was changed, taken away or put in" : `${findings} finding(s)`;
}
