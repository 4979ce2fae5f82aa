import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { html } from "hono/html";
import { HTTPException } from "hono/http-exception";
import { timing } from "hono/timing";
import { databaseProblem } from "@stakebts/core/database/database-problem";
import { ChainError } from "@stakebts/bitshares/chain";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { approve } from "./approve.ts";
import { freeze } from "./freeze.ts";
import { guard } from "./guard.ts";
import { securityHeaders } from "./headers.ts";
import { plainPage, STYLE } from "./html/layout.ts";
import { overview } from "./overview/route.ts";
import { queueBoard, QUEUES } from "./queue-board.ts";
import { requeue } from "./requeue.ts";
import { Sessions } from "./session.ts";
import { signIn } from "./sign-in.ts";

const BODY_BYTES_MAX = 64 * 1024;

/** The console as a router. What stands before the guard is for everybody; all else is behind it, also what comes later. */
export function createConsole(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { access, clock, origin } = deps;
  const sessions = new Sessions({ access, clock, secure: origin?.startsWith("https:") ?? false });
  const style = readFileSync(join(import.meta.dirname, "../public/console.css"), "utf8");

  const app = new Hono<ConsoleEnv>();
  app.use(timing({ totalDescription: "" }));
  app.use(securityHeaders(origin));
  // A Host that is none makes an address that is none, and everything behind this line would trip over it.
  app.use(async (c, next) => (URL.canParse(c.req.url) ? next() : c.text("that is no address\n", 400)));
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX, onError: (c) => c.text("that is too much\n", 413) }));
  app.get(STYLE, (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));
  // Browsers ask for it beside anything that is not a page.
  app.get("/favicon.ico", (c) => c.body(null, 204));
  app.use(guard(deps, sessions));
  app.route("/", signIn(deps, sessions));
  app.route("/", overview(deps));
  app.route("/", requeue(deps));
  app.route("/", approve(deps));
  app.route("/", freeze(deps));
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
      main: html`<h1>${trouble === undefined ? "Something is wrong here" : "Not now"}</h1>
        <p>${trouble ?? "It is in the log of the console. Nothing was done."}</p>
        <p><a href="/">Overview</a></p>`,
    }),
    trouble === undefined ? 500 : 503,
  );
}
