import { hostname } from "node:os";

// How a process calls its sessions with PostgreSQL, which shows it to every login: so that people see which processes run.

/** PostgreSQL keeps so many bytes of it. */
const LENGTH_MAX = 63;
const NAME = /^stakebts-([a-z]+) (\S+)$/u;

/** `stakebts-payer 4711@host-one`. */
export const sessionName = (process_: string): string =>
  `stakebts-${process_} ${process.pid}@${hostname().replaceAll(/[^A-Za-z0-9.-]/gu, "-")}`.slice(
    0,
    LENGTH_MAX,
  );

/** `undefined` for a session of another program. */
export function processOfSession(
  name: string,
): { readonly process: string; readonly instance: string } | undefined {
  const [, process_, instance] = NAME.exec(name) ?? [];
  return process_ === undefined || instance === undefined ? undefined : { process: process_, instance };
}
