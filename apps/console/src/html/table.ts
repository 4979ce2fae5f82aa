import { html } from "hono/html";
import type { Html } from "./layout.ts";

export interface Column<T> {
  readonly head: string;
  /** Numbers stand below each other. */
  readonly numeric?: boolean;
  readonly cell: (item: T) => Html | string;
}

/**
 * A table that becomes a list of cards on a narrow screen. The roles say again what the elements say: laid out as blocks
 * they would lose it, and a screen reader with them.
 */
export function table<T>(
  caption: string,
  columns: readonly Column<T>[],
  items: readonly T[],
  attributes: { readonly class?: string } = {},
): Html {
  const side = (column: Column<T>) => (column.numeric === true ? "number" : "text");
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
      ${items.map(
        (item) =>
          html`<tr role="row">
            ${columns.map(
              (column) =>
                html`<td role="cell" class="${side(column)}" data-head="${column.head}">
                  <span>${column.cell(item)}</span>
                </td>`,
            )}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
