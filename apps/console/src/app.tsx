import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { timing } from "hono/timing";
import { ChainError } from "@stakebts/bitshares/chain";
import { databaseProblem } from "@stakebts/core/database/database-problem";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { guard } from "./guard.ts";
import { live } from "./live.ts";
import { agreements } from "./pages/agreements.tsx";
import { due } from "./pages/due.tsx";
import { forecastPage } from "./pages/forecast.tsx";
import { freeze } from "./pages/freeze.tsx";
import { jobs } from "./pages/jobs.tsx";
import { limits } from "./pages/limits.tsx";
import { nominators } from "./pages/nominators.tsx";
import { overview } from "./pages/overview/page.tsx";
import { payouts } from "./pages/payouts.tsx";
import { settings, users } from "./pages/people.tsx";
import { receipts } from "./pages/receipts.tsx";
import { replays } from "./pages/replays.tsx";
import { search } from "./pages/search.tsx";
import { setAsidePages } from "./pages/set-aside.tsx";
import { topUps } from "./pages/top-ups.tsx";
import { transfers } from "./pages/transfers.tsx";
import { queueBoard, QUEUES } from "./queues.ts";
import { Sessions } from "./session.ts";
import { signIn } from "./sign-in.tsx";
import { rememberSums } from "./sums.ts";
import { plainPage, SCRIPT, STYLE } from "./view/layout.tsx";

/** Our own pages work without a script; the one there is comes from here, and speaks with this host alone. */
const OURS = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  connectSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["data:"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};
/** Bull Board is a program in the page, from this host, that writes styles into its elements. */
const BULL_BOARD = {
  ...OURS,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", "data:"],
  fontSrc: ["'self'", "data:"],
  connectSrc: ["'self'"],
  formAction: ["'none'"],
  baseUri: ["'self'"],
};

/** Nothing is loaded from elsewhere, shown inside elsewhere, or kept by a browser or a proxy. */
export function securityHeaders(origin: string | undefined): MiddlewareHandler {
  const rest = {
    xFrameOptions: "DENY",
    // Not `no-referrer`: with that browsers send `Origin: null` with our own forms.
    referrerPolicy: "same-origin",
    strictTransportSecurity: origin?.startsWith("https:") ?? false,
  };
  const ours = secureHeaders({ contentSecurityPolicy: OURS, ...rest });
  const bullBoard = secureHeaders({ contentSecurityPolicy: BULL_BOARD, ...rest });
  return async (c, next) => {
    const { path } = c.req;
    const isBoard = path === QUEUES || path.startsWith(`${QUEUES}/`);
    const answer = await (isBoard ? bullBoard : ours)(c, next);
    // Files are named by their content; pages show money.
    const isFile = path.startsWith(`${QUEUES}/static/`) && c.res.status === 200;
    c.header("cache-control", isFile ? "private, max-age=86400" : "no-store");
    return answer;
  };
}

const BODY_BYTES_MAX = 64 * 1024;

/** The console as a router. What stands before the guard is for everybody; all else is behind it, also what comes later. */
export function createConsole(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { access, clock, origin } = deps;
  const sessions = new Sessions({ access, clock, secure: origin?.startsWith("https:") ?? false });
  const [style, script] = ["console.css", "console.js"].map((name) =>
    readFileSync(join(import.meta.dirname, "../public", name), "utf8"),
  );
  const sums = rememberSums(deps);

  const app = new Hono<ConsoleEnv>();
  app.use(timing({ totalDescription: "" }));
  app.use(securityHeaders(origin));
  // A Host that is none makes an address that is none, and everything behind this line would trip over it.
  app.use(async (c, next) => (URL.canParse(c.req.url) ? next() : c.text("that is no address\n", 400)));
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX, onError: (c) => c.text("that is too much\n", 413) }));
  app.get(STYLE, (c) => c.body(style ?? "", 200, { "content-type": "text/css; charset=utf-8" }));
  app.get(SCRIPT, (c) => c.body(script ?? "", 200, { "content-type": "text/javascript; charset=utf-8" }));
  // Browsers ask for it beside anything that is not a page.
  app.get("/favicon.ico", (c) => c.body(null, 204));
  app.use(guard(deps, sessions));
  app.route("/", signIn(deps, sessions));
  app.route("/", overview(deps, sums));
  app.route("/", forecastPage(deps, sums));
  for (const pages of [
    agreements,
    due,
    freeze,
    jobs,
    limits,
    live,
    nominators,
    payouts,
    receipts,
    replays,
    search,
    setAsidePages,
    settings,
    topUps,
    transfers,
    users,
  ])
    app.route("/", pages(deps));
  app.get(`${QUEUES}/`, (c) => c.redirect(QUEUES, 308));
  app.route(QUEUES, queueBoard(deps));
  app.notFound((c) => c.text("there is no such page\n", 404));
  app.onError((error, c) => explain(c, deps, error));
  return app;
}

/** Trouble with what stands around us is said; anything else is logged, and the visitor learns nothing of it. */
function explain(
  c: Context,
  { log }: Pick<ConsoleDeps, "log">,
  error: unknown,
): Response | Promise<Response> {
  if (error instanceof HTTPException) return error.getResponse();
  const trouble =
    error instanceof ChainError
      ? `no node can be asked now (${error.message})`
      : (databaseProblem(error) ?? databaseProblem((error as Error).cause))?.message;
  const { message, stack } = error as Error;
  if (trouble === undefined) log.error("console.broken", { path: c.req.path, message, stack });
  else log.warn("console.trouble", { path: c.req.path, message: trouble });
  return c.html(
    plainPage({
      title: "Not now",
      children: (
        <>
          <h1>{trouble === undefined ? "Something is wrong here" : "Not now"}</h1>
          <p>{trouble ?? "It is in the log of the console. Nothing was done."}</p>
          <p>
            <a href="/">Overview</a>
          </p>
        </>
      ),
    }),
    trouble === undefined ? 500 : 503,
  );
}
