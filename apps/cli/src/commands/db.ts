import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { ensureLogins, loginOf, roleOfFile } from "@stakebts/core/database/logins";
import { migrationStatus } from "@stakebts/core/database/migrations";
import { prepareDatabase } from "@stakebts/core/database/prepare-database";
import { rolesAreMissing } from "@stakebts/core/database/apply-rights";
import { StartupError } from "@stakebts/kernel/errors";
import { readSettings } from "../config.ts";
import { EXIT } from "../exit.ts";
import { schemaFolder } from "../installation.ts";
import { examples, jsonOption } from "../options.ts";
import { printJson } from "../print.ts";
import type { Run } from "../context.ts";

/** What `npm run db:migrate` does in a checkout, where there is neither npm nor a source: in an image. */
export function addDb(program: Command, run: Run): void {
  const db = program
    .command("db")
    .description("The database's schema: does it fit this program, and make it fit.");
  db.command("migrate")
    .description("Apply what is missing. Safe to repeat, and to start in several places at once.")
    .option(
      "--logins <file...>",
      "files database_url_<process>, each with the address of that process: make its login, or give it this password",
      [] as string[],
    )
    .addHelpText(
      "after",
      `
The running programs of the version before this one go on working with the new schema: migrate first, then replace them.
${examples(["db migrate", "before the programs of a new version are started"], ["db migrate --logins secrets/database_url_*", "each process its own login"])}`,
    )
    .action(
      run(async ({ environment, terminal }, options: { logins: string[] }) => {
        const { DATABASE_URL: url } = readSettings("database", environment);
        const logins = options.logins.map((path) => loginOf(roleOfFile(path), readLogin(path)));
        const { applied, missingRoles } = await prepareDatabase(url, schemaFolder());
        if (missingRoles.length > 0) terminal.note(rolesAreMissing(missingRoles));
        if (logins.length > 0) await ensureLogins(url, logins);
        terminal.out(applied.length === 0 ? "the database is up to date" : `applied: ${applied.join(", ")}`);
        return EXIT.ok;
      }),
    );
  db.command("status")
    .description("What is missing, edited or unknown. Exit code 1 if anything is.")
    .addOption(jsonOption())
    .action(
      run(async ({ environment, terminal }, options: { json: boolean }) => {
        const { DATABASE_URL: url } = readSettings("database", environment);
        const found = await migrationStatus(url, schemaFolder());
        const problems = Object.entries(found).filter(([, names]) => names.length > 0);
        if (options.json) printJson(terminal, found);
        else if (problems.length === 0) terminal.out("the database is up to date");
        else for (const [what, names] of problems) terminal.out(`${what}: ${names.join(", ")}`);
        return problems.length === 0 ? EXIT.ok : EXIT.no;
      }),
    );
}

function readLogin(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new StartupError(
      `--logins: cannot read ${path} (${(error as NodeJS.ErrnoException).code ?? "error"})`,
    );
  }
}
