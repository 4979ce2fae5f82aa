import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import { SIGN_OUT } from "../guard.ts";

/** Markup in which everything that came from elsewhere is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export const STYLE = "/console.css";

/** A page for everybody. */
export const plainPage = ({ title, main }: { readonly title: string; readonly main: Html }): Html =>
  page(title, html`<main class="narrow">${main}</main>`);

/** A page for somebody who is signed in. */
export const consolePage = ({
  title,
  session,
  custodian,
  here,
  main,
}: {
  readonly title: string;
  readonly session: ConsoleSession;
  readonly custodian: string;
  /** Path of the entry in the navigation that this page is. */
  readonly here?: string;
  readonly main: Html;
}): Html =>
  page(
    title,
    html`<a class="skip" href="#main">Skip to content</a>
      <header class="top">
        <p class="brand"><strong>StakeBTS</strong> <span>${custodian}</span></p>
        <nav aria-label="Pages">
          ${link("/", "Overview", here)} ${link("/queues", "Queues", here)} ${link("/freeze", "Freeze", here)}
        </nav>
        <form method="post" action="${SIGN_OUT}" class="who">
          ${csrfField(session)}
          <span>${session.user} <small>${session.role}</small></span>
          <button class="quiet">Sign out</button>
        </form>
      </header>
      <main id="main" tabindex="-1">${main}</main>`,
  );

export const csrfField = (session: ConsoleSession): Html =>
  html`<input type="hidden" name="csrf" value="${session.csrfToken}" />`;

const link = (path: string, text: string, here: string | undefined): Html =>
  path === here
    ? html`<a href="${path}" aria-current="page">${text}</a>`
    : html`<a href="${path}">${text}</a>`;

const page = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} · StakeBTS</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${STYLE}" />
      </head>
      <body>
        ${body}
      </body>
    </html>`;
