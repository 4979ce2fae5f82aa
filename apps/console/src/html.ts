import { html } from "hono/html";
import type { Column, Tone } from "@stakebts/core/operators/columns";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import { csrfField, type Html } from "./form.ts";
import { SIGN_OUT } from "./guard.ts";

export const STYLE = "/console.css";

/** A page for everybody. */
export const plainPage = ({ title, main }: { readonly title: string; readonly main: Html }): Html =>
  page(title, html`<main class="narrow">${main}</main>`);

/** A page for a user who is signed in. */
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

/** A column as all programs show it, or with markup of this page in its cells. */
export type HtmlColumn<T> = Pick<Column<T>, "head" | "kind"> &
  (Column<T> | { readonly cell: (line: T) => Html | string });

/**
 * A table that becomes a list of cards on a narrow screen. The roles say again what the elements say: laid out as blocks
 * they would lose it, and a screen reader with them.
 */
export function table<T>(
  caption: string,
  columns: readonly HtmlColumn<T>[],
  lines: readonly T[],
  attributes: { readonly class?: string } = {},
): Html {
  const side = ({ kind }: HtmlColumn<T>) => (kind === "number" ? "number" : "text");
  return html`<table role="table" class="${attributes.class ?? "cards"}">
    <caption class="unseen">
      ${caption}
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(
          (column) => html`<th role="columnheader" scope="col" class="${side(column)}">${column.head}</th>`,
        )}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${lines.map(
        (line) =>
          html`<tr role="row">
            ${columns.map(
              (column) =>
                html`<td role="cell" class="${side(column)}" data-head="${column.head}">
                  <span>${"cell" in column ? column.cell(line) : cellOf(column, line)}</span>
                </td>`,
            )}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function cellOf<T>({ kind, text, value, tone }: Column<T>, line: T): Html | string {
  const shown = text(line);
  if (kind === "id") return html`<code class="key">${shown}</code>`;
  if (kind === "time") return html`<time datetime="${String(value(line) ?? "")}">${shown}</time>`;
  return kind === "state" ? badge(shown, tone?.(line)) : shown;
}

export const badge = (text: string, tone?: Tone): Html =>
  html`<span class="badge ${tone ?? ""}">${text}</span>`;

/** What is known of one thing, each under its name. */
export const facts = (lines: readonly (readonly [string, Html | string])[]): Html =>
  html`<dl class="facts">
    ${lines.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;

/** What just happened, or what is wrong with what was asked for. */
export const banner = (tone: "good" | "bad" | "notice", content: Html | string): Html =>
  html`<p class="banner ${tone}" role="${tone === "bad" ? "alert" : "status"}">${content}</p>`;
