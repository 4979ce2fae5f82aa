import { hostname } from "node:os";
import { VERSION } from "./version.ts";

// How a process calls its sessions with PostgreSQL, which shows it to every login: so that people see which processes run, and of
// which version. A process says it of itself alone, and needs no right for it.

/** PostgreSQL keeps so many bytes of it. */
const LENGTH_MAX = 63;
const NAME = /^stakebts-([a-z]+) (\S+)(?: (\S+))?$/u;

export interface SessionProcess {
  readonly process: string;
  /** `pid@host`. */
  readonly instance: string;
  /** Its revision; `undefined` if it does not say. */
  readonly revision: string | undefined;
}

/**
 * `stakebts-payer 4711@host-one c1524c9`.
 * @param host of a name that is too long the end stays, which tells one container from the next
 */
export function sessionName(process_: string, { version = VERSION, host = hostname() } = {}): string {
  const [before, after] = [`stakebts-${process_} ${process.pid}@`, ` ${version.split(" ").at(-1) ?? ""}`];
  const plain = host.replaceAll(/[^A-Za-z0-9.-]/gu, "-");
  return `${before}${plain.slice(-(LENGTH_MAX - before.length - after.length))}${after}`;
}

/** `undefined` for a session of another program. */
export function processOfSession(name: string): SessionProcess | undefined {
  const [, process_, instance, revision] = NAME.exec(name) ?? [];
  return process_ === undefined || instance === undefined
    ? undefined
    : { process: process_, instance, revision };
}
