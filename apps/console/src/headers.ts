import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { QUEUES } from "./queue-board.ts";

/** Our own pages need no script at all. */
const OURS = {
  defaultSrc: ["'none'"],
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
