import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createWholeLedger } from "@stakebts/core/rebuild/postgres-contents";
import { withScratchLedger } from "@stakebts/core/backups/scratch-database";
import type { Comparison, Difference } from "@stakebts/core/rebuild/difference";
import { compareWithChain } from "@stakebts/core/rebuild/compare-with-chain";
import { readSettings } from "../config.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { ingestDeps } from "../ingest-deps.ts";
import { jsonText, safeText } from "../print.ts";
import { progressOf } from "../progress.ts";
import { schemaFolder } from "./replace-ledger.ts";

interface Options {
  readonly serious?: boolean;
  readonly from?: number;
  readonly json: boolean;
}

/** Connections to the ledger that is made: reading and folding take turns. */
const CONNECTIONS = 2;

/** Prints differences as they are found, one a line, and sums up. */
export async function compareLedger(context: Context, options: Options): Promise<ExitCode> {
  const { terminal } = context;
  const { DATABASE_URL: url } = readSettings("database", context.environment);
  const shown = ({ cause }: Difference): boolean => options.serious !== true || cause === undefined;
  const comparison = await withScratchLedger(url, schemaFolder(), async (scratchUrl) => {
    const ledger = createPostgresLedger({ url: scratchUrl, max: CONNECTIONS });
    const progress = progressOf(context, "blocks");
    try {
      return await compareWithChain(
        {
          ...(await ingestDeps(context, ledger)),
          clock: context.clock,
          ledger: createWholeLedger({ url }),
          scratch: { ledger, whole: createWholeLedger({ url: scratchUrl }) },
        },
        options.from,
        (difference) => {
          if (shown(difference))
            terminal.out(options.json ? jsonText({ difference }) : inWords(context, difference));
        },
        progress.onProgress,
      );
    } finally {
      progress.end();
      await ledger.close();
    }
  });
  if (options.json) terminal.out(jsonText({ comparison }));
  else sumUp(context, comparison);
  const expected = Object.values(comparison.expected).reduce((sum, count) => sum + count, 0);
  return comparison.serious + (options.serious === true ? 0 : expected) === 0 ? EXIT.ok : EXIT.no;
}

function inWords({ terminal }: Context, { about, subject, cause, message, todo }: Difference): string {
  const kind = cause === undefined ? terminal.paint("red", "ALERT".padEnd(9)) : cause.padEnd(9);
  const line = `${kind} ${about} ${subject}: ${message}`;
  return safeText(todo === undefined ? line : `${line} → ${todo}`);
}

function sumUp({ terminal }: Context, comparison: Comparison): void {
  const { fromBlockNum, toBlockNum, compared, olderAgreements, keptTerms, serious, expected } = comparison;
  terminal.out(
    `blocks ${fromBlockNum} to ${toBlockNum}: ${compared.transfers} transfers, ${compared.agreements} agreements, ${compared.rows} rows, ${compared.payouts} payouts compared`,
  );
  if (olderAgreements > 0)
    terminal.out(`${olderAgreements} agreements are older than that, and not compared`);
  if (keptTerms > 0)
    terminal.out(
      `${keptTerms} agreements keep terms that today's policy file does not have: a rebuild would need the file of then`,
    );
  const causes = Object.entries(expected).map(([cause, count]) => `${count} ${cause}`);
  if (causes.length > 0) terminal.out(`expected: ${causes.join(", ")}`);
  terminal.out(
    serious === 0
      ? terminal.paint("green", "nothing alarming: the ledger says what the chain says")
      : terminal.paint(
          "red",
          `${serious} alarming: \`stakebts payments off --reason '…'\`, then look at each`,
        ),
  );
}
