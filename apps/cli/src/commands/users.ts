import { type Command, Option } from "commander";
import type { NewReceipt } from "@stakebts/core/ledger/ledger";
import {
  CONSOLE_NAME,
  CONSOLE_ROLES,
  type ConsoleRole,
  hashPassword,
} from "@stakebts/core/operators/console-access";
import { USERS } from "@stakebts/core/operators/lists";
import { newPassword, passwordOption } from "../ask.ts";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { actorOption, examples, jsonOption } from "../options.ts";
import { printJson, printTable } from "../print.ts";

export function addUsers(program: Command, run: Run): void {
  const users = program
    .command("users")
    .description("Who may sign in to the console. Users are disabled, never deleted: receipts name them.");
  users
    .command("add")
    .argument("<name>", "lower case letters, digits, dots, hyphens")
    .addOption(
      new Option(
        "--role <role>",
        "a viewer looks; an approver also approves what a limit holds; an operator acts",
      )
        .choices(CONSOLE_ROLES)
        .makeOptionMandatory(),
    )
    .addOption(passwordOption())
    .addOption(new Option("--if-missing", "a user of this name is left as it is: no mistake").default(false))
    .addOption(actorOption())
    .description("Make a user. The password is asked for twice on a terminal, or taken from a file.")
    .addHelpText(
      "after",
      examples(
        ["users add alice --role operator", "asks for the password"],
        ["users add watch --role viewer --password-file pw", "in a script"],
      ),
    )
    .action(
      run(
        async (
          context,
          name: string,
          options: { role: ConsoleRole; passwordFile?: string; ifMissing: boolean; actor?: string },
        ) => {
          if (!CONSOLE_NAME.test(name))
            throw new UsageError(
              `${name} cannot be a name: at most 32 lower case letters, digits, dots, hyphens, a letter first`,
            );
          const receipt = receiptOf(context, "console.user_added", name, options.actor, {
            role: options.role,
          });
          const passwordHash = await hashPassword(await newPassword(context, options.passwordFile));
          const added = await context.access.addUser({ name, role: options.role, passwordHash }, receipt);
          if (!added && options.ifMissing) {
            context.terminal.out(`there is a user ${name} already`);
            return EXIT.ok;
          }
          if (!added)
            return no(
              context,
              `there is a user ${name} already: \`stakebts users password ${name}\`, or enable it`,
            );
          context.terminal.out(`${name} may sign in as ${options.role}`);
          return EXIT.ok;
        },
      ),
    );
  users
    .command("list")
    .description("The users, with role and state.")
    .addOption(jsonOption())
    .action(
      run(async ({ access, terminal }, options: { json: boolean }) => {
        const found = await access.users();
        if (options.json) printJson(terminal, { users: found });
        else if (found.length === 0) terminal.note("nothing found");
        else printTable(terminal, USERS, found);
        return EXIT.ok;
      }),
    );
  users
    .command("password")
    .argument("<name>", "whose")
    .addOption(passwordOption())
    .addOption(actorOption())
    .description("Give a user another password. Every browser that is signed in as this user is signed out.")
    .addHelpText("after", examples(["users password alice", "asks for the password"]))
    .action(
      run(async (context, name: string, options: { passwordFile?: string; actor?: string }) => {
        const receipt = receiptOf(context, "console.password_changed", name, options.actor);
        const passwordHash = await hashPassword(await newPassword(context, options.passwordFile));
        if (!(await context.access.setPassword(name, passwordHash, receipt)))
          return no(context, noSuchUser(name));
        context.terminal.out(`${name} has another password`);
        return EXIT.ok;
      }),
    );
  for (const [verb, disabled, description] of [
    [
      "disable",
      true,
      "Keep a user out, from this moment on: every browser that is signed in as this user is signed out.",
    ],
    ["enable", false, "Let a disabled user in again."],
  ] as const)
    users
      .command(verb)
      .argument("<name>", "whom")
      .addOption(actorOption())
      .description(description)
      .addHelpText(
        "after",
        examples([`users ${verb} alice`, disabled ? "at once" : "with the password as it was"]),
      )
      .action(
        run(async (context, name: string, options: { actor?: string }) => {
          const receipt = receiptOf(context, `console.user_${verb}d`, name, options.actor);
          if (await context.access.setDisabled(name, disabled, receipt))
            context.terminal.out(`${name} is ${verb}d`);
          else if ((await context.access.users()).some((user) => user.name === name))
            context.terminal.out(`${name} is ${verb}d already`);
          else return no(context, noSuchUser(name));
          return EXIT.ok;
        }),
      );
}

const noSuchUser = (name: string): string =>
  `there is no user ${name}; \`stakebts users list\` shows the users`;

function no({ terminal }: Context, message: string): ExitCode {
  terminal.note(`stakebts: ${message}`);
  return EXIT.no;
}

function receiptOf(
  context: Context,
  event: string,
  subject: string,
  givenActor: string | undefined,
  details: NewReceipt["details"] = {},
): NewReceipt {
  const actor = (givenActor ?? context.actor ?? "").trim();
  if (actor === "") throw new UsageError("who does this? give --actor, or set USER; it ends in the receipt");
  return { event, subject, details: { ...details, actor } };
}
