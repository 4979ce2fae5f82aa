import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { KeyFormatError, privateKeyFromWif, publicKeyFromWif } from "@stakebts/bitshares/keys";
import {
  KeystoreError,
  keystorePublicKeys,
  openKeystore,
  encryptKeystore,
} from "@stakebts/core/config/keystore";
import { loseMemoKey } from "@stakebts/core/operators/lose-memo-key";
import { StartupError } from "@stakebts/kernel/errors";
import { checkActiveKey, checkMemoKeys } from "@stakebts/core/ledger/find-custodian";
import { plainText } from "@stakebts/kernel/plain-text";
import { readSettings } from "../config.ts";
import type { Context, Run } from "../context.ts";
import { EXIT, UsageError } from "../exit.ts";
import { type ActionOptions, actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { isConfirmed, newPassword, operatorAction, password, passwordOption, readText } from "../ask.ts";
import { printJson } from "../print.ts";

const ROLES = ["active", "memo"] as const;
type Role = (typeof ROLES)[number];

export function addKeys(program: Command, run: Run): void {
  const keys = program
    .command("keys")
    .description("Keystores: private keys in a file that opens with a password (scrypt, AES-256-GCM).");
  keys
    .command("create")
    .argument("<file>", "the keystore to write; never one that exists")
    .addOption(
      new Option("--role <role>", "which key goes into it; memo takes several, with commas, newest first")
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .addOption(passwordOption())
    .description(
      "Put a private key into a new keystore. It is asked for on a terminal, or taken from the environment.",
    )
    .addHelpText(
      "after",
      `
Without a terminal the key is read from STAKEBTS_ACTIVE_KEY or STAKEBTS_MEMO_KEY (or their _FILE). One keystore for each
process: the payer's holds the active key, the ingester's the memo key, and neither has the other's. A process opens it
with STAKEBTS_KEYSTORE and STAKEBTS_KEYSTORE_PASSWORD (or STAKEBTS_KEYSTORE_PASSWORD_FILE).
${examples(["keys create payer.keystore --role active", "asks for key and password"], ["keys create ingester.keystore --role memo --password-file pw", "in a script"], ["keys check payer.keystore", "does it open, and does the key fit?"])}`,
    )
    .action(
      run(async (context, file: string, options: { role: Role; passwordFile?: string }) => {
        const wifs = await privateKeys(context, options.role);
        const password = await newPassword(context, options.passwordFile);
        const sealed = encryptKeystore(
          options.role === "active" ? { active: wifs[0] } : { memo: wifs },
          password,
        );
        try {
          writeFileSync(file, sealed, { flag: "wx", mode: 0o600 });
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          throw new UsageError(
            code === "EEXIST"
              ? `${file} exists, and a keystore is never overwritten: give another name`
              : `cannot write ${file} (${code ?? "error"})`,
          );
        }
        for (const wif of wifs) context.terminal.out(`${options.role} ${publicKeyFromWif(wif)}`);
        context.terminal.note(
          `written to ${file}; without the password it cannot be opened again, by you neither`,
        );
        return EXIT.ok;
      }),
    );
  addLost(keys, run);
  keys
    .command("check")
    .argument("<file>", "the keystore")
    .addOption(passwordOption())
    .addOption(jsonOption())
    .description(
      "Open a keystore, show its public keys, and compare them with the custodian's account on the chain.",
    )
    .addHelpText(
      "after",
      `
The comparison needs STAKEBTS_NODES and STAKEBTS_CUSTODIAN; without them it is left out.
${examples(["keys check payer.keystore", "asks for the password"], ["keys check payer.keystore --password-file pw --json", "in a script"])}`,
    )
    .action(
      run(async (context, file: string, options: { passwordFile?: string; json: boolean }) => {
        const { terminal } = context;
        const text = readText(file);
        try {
          keystorePublicKeys(text); // Is it one at all? Before a password is asked for.
          const opened = openKeystore(text, await password(context, options.passwordFile));
          const active = opened.active === undefined ? undefined : publicKeyFromWif(opened.active);
          const memo = (opened.memo ?? []).map((wif) => publicKeyFromWif(wif));
          const problems = context.hasChain ? await misfits(context, { active, memo }) : undefined;
          if (options.json) printJson(terminal, { opens: true, active, memo, problems });
          else {
            if (active !== undefined) terminal.out(`active ${active}`);
            for (const key of memo) terminal.out(`memo   ${key}`);
            if (problems === undefined)
              terminal.note("not compared with the chain: STAKEBTS_NODES is not set");
            else if (problems.length === 0)
              terminal.out(terminal.paint("green", "the keys fit the custodian's account"));
            else for (const problem of problems) terminal.out(terminal.paint("red", problem));
          }
          return problems === undefined || problems.length === 0 ? EXIT.ok : EXIT.no;
        } catch (error) {
          if (!(error instanceof KeystoreError)) throw error;
          if (options.json) printJson(terminal, { opens: false, problem: error.message });
          else terminal.note(`stakebts: ${file}: ${error.message}`);
          return EXIT.no;
        }
      }),
    );
}

function addLost(keys: Command, run: Run): void {
  keys
    .command("lost")
    .argument("<public-key>", "a memo key that the custodian's account had, as `stakebts status` names it")
    .addOption(
      new Option("--agreed-by <name>", "a second person, who has agreed to it").makeOptionMandatory(),
    )
    .description("Say that this memo key is lost for good. This cannot be taken back.")
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
What waits for it counts as unreadable and goes back less the fee. What follows from transfers that were read while the key was there
is paid, although the payer cannot read their memos any more. The account needs another memo key on the chain before.
${examples(["keys lost BTS6… --agreed-by bob --reason 'the safe has burnt'", "after everything else has failed"])}`,
    )
    .action(
      run(async (context, publicKey: string, options: LostOptions) => {
        const action = await operatorAction(context, options);
        const question = `${publicKey}: what waits for it goes back to its senders, less the fee. Is it lost for good?`;
        if (!(await isConfirmed(context, options.yes ?? false, question))) return EXIT.no;
        const { ledger, chain } = context;
        const deps = { ledger, chain, custodian: await context.custodian() };
        const answer = await loseMemoKey(deps, { publicKey, agreedBy: options.agreedBy, action });
        if (options.json) printJson(context.terminal, answer);
        else context.terminal.out(plainText(`${answer.publicKey} ${answer.message}`));
        return answer.result === "refused" ? EXIT.no : EXIT.ok;
      }),
    );
}

interface LostOptions extends ActionOptions {
  readonly agreedBy: string;
  readonly yes?: boolean;
}

async function misfits(
  context: Context,
  keys: { readonly active: string | undefined; readonly memo: readonly string[] },
): Promise<readonly string[]> {
  const account = await context.custodian();
  const problems: string[] = [];
  const note = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      problems.push(error.message.replace(/^STAKEBTS_[A-Z_]+: /u, ""));
    }
  };
  const { active } = keys;
  if (active !== undefined) note(() => checkActiveKey(account, active));
  if (keys.memo.length > 0) note(() => checkMemoKeys(account, keys.memo));
  return problems;
}

async function privateKeys(context: Context, role: Role): Promise<readonly string[]> {
  const name = role === "active" ? "STAKEBTS_ACTIVE_KEY" : "STAKEBTS_MEMO_KEY";
  // A keystore in the environment is not where the key of a new one comes from.
  const environment = { ...context.environment, STAKEBTS_KEYSTORE: undefined };
  const settings = readSettings("keys", environment);
  const given =
    role === "active"
      ? settings.STAKEBTS_ACTIVE_KEY === undefined
        ? []
        : [settings.STAKEBTS_ACTIVE_KEY]
      : (settings.STAKEBTS_MEMO_KEY ?? []);
  if (given.length > 0) return given;
  if (!context.terminal.isInteractive)
    throw new UsageError(`which key? There is no terminal to ask on: set ${name} or ${name}_FILE`);
  const typed = await context.terminal.askSecret(`Private ${role} key (WIF, not shown): `);
  const wifs = typed
    .split(",")
    .map((wif) => wif.trim())
    .filter((wif) => wif !== "");
  if (wifs.length === 0 || (role === "active" && wifs.length > 1))
    throw new UsageError(role === "active" ? "expected one key" : "expected one key, or several with commas");
  try {
    for (const wif of wifs) privateKeyFromWif(wif);
  } catch (error) {
    if (error instanceof KeyFormatError) throw new UsageError(error.message);
    throw error;
  }
  return wifs;
}
