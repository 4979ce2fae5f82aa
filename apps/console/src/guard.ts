import type { Context, MiddlewareHandler } from "hono";
import type { ConsoleRole } from "@stakebts/core/operators/console-access";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { field, formOf, sameText } from "./form.ts";
import type { Sessions } from "./session.ts";

// One rule for all routes, also for those that are added later: to look one has to be signed in, and to change anything
// one has to be an operator, on a page of ours.

export const SIGN_IN = "/login";
export const SIGN_OUT = "/logout";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** Everybody may go; an approver may be the second of two people; an operator may do what there is. */
const mayChange = (role: ConsoleRole, path: string): boolean =>
  role === "operator" ||
  path === SIGN_OUT ||
  (role === "approver" && /^\/payouts\/[^/]+\/(?:approve|cancel)$/u.test(path));
export const isUnsafe = (c: Context): boolean => !SAFE.has(c.req.method);

export function guard(
  { log, origin }: Pick<ConsoleDeps, "log" | "origin">,
  sessions: Sessions,
): MiddlewareHandler<ConsoleEnv> {
  return async (c, next) => {
    const unsafe = isUnsafe(c);
    if (unsafe && !isFromOurPage(c, origin)) return refuse("this request comes from another site");
    if (c.req.path === SIGN_IN) return next();
    const session = await sessions.find(c);
    if (session === undefined) return signInFirst(c);
    c.set("session", session);
    if (unsafe) {
      if (!mayChange(session.role, c.req.path))
        return refuse(`${session.user} may look and not act: this needs the role operator`, session.user);
      if (!sameText(await tokenOf(c), session.csrfToken))
        return refuse("the form is out of date: load its page again and repeat", session.user);
    }
    return next();

    function refuse(message: string, user?: string): Response {
      log.warn("console.refused", { method: c.req.method, path: c.req.path, user, message });
      return c.text(`${message}\n`, 403);
    }
  };
}

/** People are shown where to sign in; programs are told that they are not. */
function signInFirst(c: Context): Response {
  if (isUnsafe(c) || !(c.req.header("accept") ?? "").includes("text/html"))
    return c.text("sign in first\n", 401);
  const { pathname, search } = new URL(c.req.url);
  return c.redirect(`${SIGN_IN}?next=${encodeURIComponent(pathname + search)}`, 303);
}

/**
 * Browsers say where an unsafe request comes from, in two headers that no page can forge. What carries neither is not a
 * browser, and for that the token decides alone.
 */
export function isFromOurPage(c: Context, declared: string | undefined): boolean {
  const site = c.req.header("sec-fetch-site");
  const from = c.req.header("origin");
  if (site !== undefined && site !== "same-origin") return false;
  return from === undefined || from === (declared ?? new URL(c.req.url).origin);
}

/** From a form's field, or from the header that Bull Board's client copies out of its cookie. */
async function tokenOf(c: Context): Promise<string> {
  const header = c.req.header("x-xsrf-token");
  if (header !== undefined) return header;
  const type = c.req.header("content-type") ?? "";
  if (!/^(?:application\/x-www-form-urlencoded|multipart\/form-data)/u.test(type)) return "";
  return field(await formOf(c), "csrf");
}
