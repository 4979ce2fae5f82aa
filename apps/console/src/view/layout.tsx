import type { Child } from "hono/jsx";
import { html } from "hono/html";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import type { ExplorerLinks } from "@stakebts/core/config/policy-file";
import type { Html } from "../form.ts";
import { SIGN_OUT } from "../guard.ts";
import { CsrfField } from "./form.tsx";
import { Explorer } from "./values.tsx";

export const STYLE = "/console.css";
export const SCRIPT = "/console.js";

const NAVIGATION: readonly (readonly [group: string, ...(readonly [path: string, text: string])[]])[] = [
  ["Today", ["/", "Overview"], ["/due", "Falling due"], ["/forecast", "Forecast"]],
  ["Programme", ["/agreements", "Agreements"], ["/nominators", "Nominators"]],
  ["Money", ["/payouts", "Payouts"], ["/transfers", "Transfers"], ["/top-ups", "Top-ups"]],
  [
    "Control",
    ["/limits", "Limits"],
    ["/freeze", "Freeze"],
    ["/set-aside", "Set aside"],
    ["/replays", "Replay"],
    ["/queues", "Queues"],
  ],
  ["Records", ["/receipts", "Receipts"], ["/users", "Users"], ["/settings", "Settings"]],
];

/** A page for everybody. */
export const plainPage = ({ title, children }: { readonly title: string; readonly children?: Child }): Html =>
  document(title, <main class="narrow">{children}</main>);

export interface Frame {
  readonly session: ConsoleSession;
  readonly custodian: string;
  readonly explorer: ExplorerLinks;
}

/** A page for a user who is signed in. */
export const consolePage = (
  { session, custodian, explorer }: Frame,
  {
    title,
    here,
    live = false,
    query = "",
    children,
  }: {
    readonly title: string;
    /** Path of the entry in the navigation that this page belongs to. */
    readonly here?: string;
    /** It shows what may change by itself: the script loads its parts again when the ledger has changed. */
    readonly live?: boolean;
    /** What was searched for. */
    readonly query?: string;
    readonly children?: Child;
  },
): Html =>
  document(
    title,
    <Explorer.Provider value={explorer}>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <p class="brand">
          <strong>StakeBTS</strong> <span>{custodian}</span>
        </p>
        <form method="get" action="/search" class="find" role="search" aria-label="Everything">
          <label for="find" class="unseen">
            Find an account, payout, transaction, operation or block
          </label>
          <input
            id="find"
            name="q"
            type="search"
            value={query}
            placeholder="Account, payout, transaction, block"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            aria-keyshortcuts="/"
          />
          <button class="quiet">Find</button>
        </form>
        <form method="post" action={SIGN_OUT} class="who">
          <CsrfField session={session} />
          <span>
            {session.user} <small>{session.role}</small>
          </span>
          <button class="quiet">Sign out</button>
        </form>
      </header>
      <div class="frame">
        <nav class="side" aria-label="Pages">
          {NAVIGATION.map(([group, ...entries]) => (
            <div>
              <p>{group}</p>
              <ul>
                {entries.map(([path, text]) => (
                  <li>
                    <a href={path} aria-current={path === here ? "page" : undefined}>
                      {text}
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
        <main id="main" tabindex={-1} data-live={live ? "" : undefined}>
          <p class="stale banner notice" role="status" hidden></p>
          {children}
        </main>
      </div>
    </Explorer.Provider>,
  );

const document = (title: string, body: Child): Html => {
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · StakeBTS`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={STYLE} />
        <script src={SCRIPT} defer></script>
      </head>
      <body>{body}</body>
    </html>
  );
  return html`<!doctype html>${page}`;
};
