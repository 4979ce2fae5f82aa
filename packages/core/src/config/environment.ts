import { readFileSync } from "node:fs";
import type { z } from "zod";
import { nodeDisplayName } from "@stakebts/bitshares/node-address";
import { StartupError } from "@stakebts/kernel/errors";
import { fillFromKeystore, KEYSTORE_SETTINGS } from "./keystore-settings.ts";
import { isSecret, settingOf } from "./settings.ts";
import { unknownSettings } from "./unknown-settings.ts";

/** The process does not start. The message names every setting that is wrong, what was found and what is accepted. */
export class ConfigError extends StartupError {}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment once, at start. Each setting may also be given as `NAME_FILE`, the path of a file that holds it,
 * as containers hand out secrets; keys may be in a keystore. A setting that there is and that the schema does not have is
 * passed over; a name that begins with `STAKEBTS_` and is no setting is a mistake.
 */
export function readEnvironment<S extends z.ZodObject>(schema: S, environment: Environment): z.infer<S> {
  const problems = [...unknownSettings(environment)];
  const values: Record<string, string> = {};
  const refused = new Set<string>();
  const refuse = (name: string, problem: string) => {
    refused.add(name);
    problems.push(problem);
  };
  const read = (name: string): string | undefined => {
    const given = environment[name]?.trim();
    const path = environment[`${name}_FILE`]?.trim();
    if (given && path) refuse(name, `${name} and ${name}_FILE are both set: give one of them`);
    else if (given) return given;
    else if (path) {
      const content = readSetting(path);
      if (content.text) return content.text;
      refuse(name, `${name}_FILE: ${shownPath(name, path)} ${content.problem ?? "is empty"}`);
    }
    return undefined;
  };
  const names = Object.keys(schema.shape);
  for (const name of names) {
    const value = read(name);
    if (value !== undefined) values[name] = value;
  }
  const keystore = fillFromKeystore(values, names, {
    path: environment["STAKEBTS_KEYSTORE"]?.trim() || undefined,
    password: read("STAKEBTS_KEYSTORE_PASSWORD"),
  });
  problems.push(...keystore);
  if (keystore.length > 0) for (const name of KEYSTORE_SETTINGS) refused.add(name);
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0] ?? "");
    if (refused.has(name)) continue;
    const found = values[name] === undefined ? "is not set" : foundValue(name, values[name]);
    problems.push(name === "" ? issue.message : `${name} ${found}: ${issue.message}`);
  }
  if (problems.length > 0 || !parsed.success)
    throw new ConfigError(
      `The configuration is wrong in ${problems.length} place(s):\n  ${problems.join("\n  ")}`,
    );
  return parsed.data;
}

function readSetting(path: string): { readonly text?: string; readonly problem?: string } {
  try {
    return { text: readFileSync(path, "utf8").trim() };
  } catch (error) {
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})` };
  }
}

/** What was found in a setting that is wrong. */
const foundValue = (name: string, value: string): string =>
  isSecret(name) ? "is set, and not shown here" : `is "${presentable(name, value).slice(0, 80)}"`;

/** A secret that was put where the path of its file belongs does not look like a path, and is not shown. */
const shownPath = (name: string, path: string): string =>
  isSecret(name) && !/^\.{0,2}\//u.test(path) ? "the file it names" : path;

/** The settings as they are printed at start: secrets hidden, lists and numbers as they were understood. */
export function shown(config: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, isSecret(name) ? "(hidden)" : understood(name, value)]),
  );
}

/** A value that is right. */
function understood(name: string, value: unknown): string {
  if (settingOf(name)?.addresses === true && Array.isArray(value))
    return JSON.stringify(value.map((address) => nodeDisplayName(String(address))));
  return withoutCredentials(JSON.stringify(value, digits));
}

const digits = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value);

const presentable = (name: string, text: string): string =>
  settingOf(name)?.addresses === true ? hostsOf(text) : withoutCredentials(text);

/**
 * An address may hold a password too: `wss://user:password@node`. All that stands before an @ is hidden, because one that
 * is mistyped (`ws:/user:password@node`, a password with a slash) is what gets printed.
 */
const withoutCredentials = (text: string): string =>
  text.replace(/(^|[\s,"])([a-z]{1,10}:\/\/)?[^\s,"]*@/giu, "$1$2(hidden)@");

/**
 * Of each address protocol, host and port: the path or the query of a node is the key to it where the owner sells access.
 * What is no address, and does not look like the name of a host, may be a piece of one, and is not shown.
 */
const hostsOf = (text: string): string =>
  text.replace(/[^\s,]+/gu, (item) => {
    if (/^[a-z\d-]+(?:\.[a-z\d-]+)+(?::\d+)?$/iu.test(item)) return item;
    // An @ behind the host: the address was mistyped, and what looks like the host may be a user.
    return /^\w+:\/\//u.test(item) && !/[/?#].*@/u.test(item.replace(/^\w+:\/\//u, "")) && URL.canParse(item)
      ? nodeDisplayName(item)
      : "(hidden)";
  });
