import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { NewReceipt } from "@stakebts/core/ledger/ledger";
import { CONSOLE_NAME, hashPassword, passwordFits } from "@stakebts/core/operators/console-access";
import { durationText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { field, formOf, type Html, sameText } from "./form.ts";
import { SIGN_IN, SIGN_OUT } from "./guard.ts";
import { plainPage } from "./view/layout.tsx";
import { Banner } from "./view/values.tsx";
import { newToken, type Sessions } from "./session.ts";

/** Ties the form to the browser that loaded it, so that no other site can sign a visitor in to an account of its own. */
const FORM_COOKIE = "stakebts_form";
const PASSWORD_LENGTH_MAX = 1_000;

export function signIn(
  deps: Pick<ConsoleDeps, "access" | "ledger" | "log" | "origin" | "passwordCost">,
  sessions: Sessions,
): Hono<ConsoleEnv> {
  const { access, ledger, log, origin, passwordCost } = deps;
  const throttle = new SignInThrottle();
  // What an unknown name is compared with, so that it takes as long as a known one.
  const unknownHash = hashPassword(newToken(), passwordCost);
  const formCookie = { path: SIGN_IN, httpOnly: true, sameSite: "Strict" } as const;
  const secure = origin?.startsWith("https:") ?? false;

  const showForm = (
    c: Context,
    status: 200 | 401 | 403 | 429,
    problem?: string,
  ): Response | Promise<Response> => {
    const token = getCookie(c, FORM_COOKIE) ?? newToken();
    setCookie(c, FORM_COOKIE, token, { ...formCookie, secure });
    return c.html(form({ token, next: nextPath(c.req.query("next")), problem }), status);
  };
  const write = (receipt: NewReceipt) => ledger.transaction((tx) => tx.receipts.add([receipt]));

  const app = new Hono<ConsoleEnv>();
  app.get(SIGN_IN, (c) => showForm(c, 200));
  app.post(SIGN_IN, async (c) => {
    const given = await formOf(c);
    const token = getCookie(c, FORM_COOKIE);
    if (token === undefined || !sameText(token, field(given, "csrf")))
      return showForm(c, 403, "The form was out of date. Please try again.");
    const name = field(given, "name").trim().toLowerCase().slice(0, 64);
    const password = field(given, "password").slice(0, PASSWORD_LENGTH_MAX);
    const address = addressOf(c, origin !== undefined);

    const wait = await throttle.take({ name, address });
    if (wait !== undefined) {
      if (wait.first) {
        log.warn("console.sign_in_throttled", { address });
        await write({ event: "console.sign_in_throttled", subject: "console", details: { address } });
      }
      c.header("retry-after", String(Math.ceil(wait.waitMs / 1_000)));
      return showForm(c, 429, `Too many tries. Wait ${durationText(wait.waitMs)}, then try again.`);
    }
    const stored = CONSOLE_NAME.test(name) ? await access.passwordHashOf(name) : undefined;
    const fits = await passwordFits(password, stored ?? (await unknownHash));
    if (!fits || stored === undefined) {
      // A name that does not exist may be a password that was typed one field too early.
      const subject = stored === undefined ? "unknown" : name;
      await write({ event: "console.sign_in_refused", subject, details: { address } });
      return showForm(c, 401, "This name and password do not fit.");
    }
    await throttle.giveBack({ name, address });
    await sessions.open(c, name);
    await write({ event: "console.signed_in", subject: name, details: { address } });
    deleteCookie(c, FORM_COOKIE, { ...formCookie, secure });
    return c.redirect(nextPath(field(given, "next")), 303);
  });
  app.post(SIGN_OUT, async (c) => {
    await sessions.close(c);
    const { user } = c.get("session");
    await write({ event: "console.signed_out", subject: user, details: {} });
    return c.redirect(SIGN_IN, 303);
  });
  return app;
}

/** Behind a proxy of ours the last entry is its word; anything before it is the client's own. */
function addressOf(c: Context<ConsoleEnv>, behindProxy: boolean): string {
  const forwarded = c.req.header("x-forwarded-for")?.split(",").at(-1)?.trim();
  if (behindProxy && forwarded !== undefined && /^[0-9a-f.:]{2,45}$/iu.test(forwarded)) return forwarded;
  return c.env?.incoming?.socket.remoteAddress ?? "unknown";
}

/** A path of ours and nothing else: `//elsewhere.example` would be another site. */
export function nextPath(given: string | undefined): string {
  const here = "http://here.invalid";
  if (given === undefined || !given.startsWith("/") || !URL.canParse(given, here)) return "/";
  const url = new URL(given, here);
  return url.origin === here && url.pathname !== SIGN_IN ? url.pathname + url.search : "/";
}

const form = ({
  token,
  next,
  problem,
}: {
  readonly token: string;
  readonly next: string;
  readonly problem: string | undefined;
}): Html =>
  plainPage({
    title: "Sign in",
    children: (
      <>
        <h1>StakeBTS console</h1>
        {problem === undefined ? null : <Banner tone="bad">{problem}</Banner>}
        <form method="post" action={SIGN_IN} class="stack">
          <input type="hidden" name="csrf" value={token} />
          <input type="hidden" name="next" value={next} />
          <label for="name">Name</label>
          <input
            id="name"
            name="name"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            autofocus
          />
          <label for="password">Password</label>
          <input id="password" name="password" type="password" autocomplete="current-password" required />
          <button>Sign in</button>
        </form>
        <p class="hint">
          Users are made with <code>stakebts users add</code>.
        </p>
      </>
    ),
  });

const WINDOW_SECONDS = 15 * 60;
/** Wrong passwords for one name, from wherever: a password of twelve characters stands these for longer than we live. */
const NAME_TRIES_MAX = 10;
/** From one address, for all names together. Each costs this machine a scrypt. */
const ADDRESS_TRIES_MAX = 30;

/**
 * Slows down guessing. In memory is enough: there is one console, and a person who can restart it needs no password. Wrong
 * passwords for a name keep its owner out of the browser for a while, and not from the command line.
 */
export class SignInThrottle {
  readonly #byName = new RateLimiterMemory({ points: NAME_TRIES_MAX, duration: WINDOW_SECONDS });
  readonly #byAddress = new RateLimiterMemory({ points: ADDRESS_TRIES_MAX, duration: WINDOW_SECONDS });

  /**
   * Takes one try, before the password is looked at: a hundred requests at the same time are a hundred tries.
   * @returns how long to wait, and whether this is the try that began the waiting; `undefined`: go on
   */
  async take(who: {
    readonly name: string;
    readonly address: string;
  }): Promise<{ readonly waitMs: number; readonly first: boolean } | undefined> {
    try {
      await this.#byAddress.consume(who.address);
      await this.#byName.consume(who.name);
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const limit = refusal.consumedPoints;
      return {
        waitMs: refusal.msBeforeNext,
        first: limit === NAME_TRIES_MAX + 1 || limit === ADDRESS_TRIES_MAX + 1,
      };
    }
  }

  /** The password was right. */
  async giveBack(who: { readonly name: string; readonly address: string }): Promise<void> {
    await this.#byName.delete(who.name);
    await this.#byAddress.reward(who.address);
  }
}
