import { createHash, randomBytes } from "node:crypto";
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { ConsoleAccess, ConsoleSession } from "@stakebts/core/operators/console-access";
import type { HostClock } from "@stakebts/kernel/clock";

/** However busy: a working day. */
const SESSION_MS_MAX = 12 * 3_600_000;
/** Without a request. */
const IDLE_MS_MAX = 30 * 60_000;
/** "Seen" is written at most this often, or every picture on a page would be a write. */
const SEEN_AGAIN_MS = 60_000;

export const newToken = (): string => randomBytes(32).toString("base64url");
const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Who is signed in: a random token in the browser, its digest in the database, and nothing else in either. */
export class Sessions {
  readonly #access: ConsoleAccess;
  readonly #clock: HostClock;
  readonly #secure: boolean;
  readonly #cookie: string;

  /** @param secure browsers come by https, directly or through a proxy */
  constructor(deps: { access: ConsoleAccess; clock: HostClock; secure: boolean }) {
    this.#access = deps.access;
    this.#clock = deps.clock;
    this.#secure = deps.secure;
    // `__Host-`: the browser itself refuses such a cookie from a neighbouring host or without https.
    this.#cookie = deps.secure ? "__Host-stakebts" : "stakebts";
  }

  async open(c: Context, user: string): Promise<void> {
    await this.close(c); // A token that was there before the password was given is worth nothing after it.
    const token = newToken();
    const nowMs = this.#clock.nowMs();
    const expiresAtMs = nowMs + SESSION_MS_MAX;
    const session = { tokenHash: digest(token), user, csrfToken: newToken(), nowMs, expiresAtMs };
    await this.#access.openSession(session, IDLE_MS_MAX);
    setCookie(c, this.#cookie, token, this.#options());
  }

  async find(c: Context): Promise<ConsoleSession | undefined> {
    const token = getCookie(c, this.#cookie);
    if (token === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    const session = await this.#access.findSession(digest(token), { nowMs, idleMs: IDLE_MS_MAX });
    if (session !== undefined && nowMs - session.seenAtMs > SEEN_AGAIN_MS)
      await this.#access.markSeen(digest(token), nowMs);
    return session;
  }

  async close(c: Context): Promise<void> {
    const token = getCookie(c, this.#cookie);
    if (token === undefined) return;
    await this.#access.closeSession(digest(token));
    deleteCookie(c, this.#cookie, this.#options());
  }

  #options() {
    return { path: "/", httpOnly: true, sameSite: "Strict", secure: this.#secure } as const;
  }
}
