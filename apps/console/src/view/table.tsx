import type { Child } from "hono/jsx";
import type { Column } from "@stakebts/core/operators/columns";
import type { Counted, KeysetPage } from "@stakebts/core/operators/browse/keyset";
import { countText, numberText } from "@stakebts/kernel/text";
import { Status } from "./values.tsx";

/** A column as all programs show it, or with markup of this page in its cells. */
export type ViewColumn<T> = Pick<Column<T>, "head" | "kind"> &
  (Column<T> | { readonly cell: (line: T) => Child });

interface TableProps<T> {
  readonly caption: string;
  readonly columns: readonly ViewColumn<T>[];
  readonly lines: readonly T[];
  /** How it is laid out on a phone. Default: one card for each line. */
  readonly class?: "cards" | "debts" | "lines";
}

/**
 * A table that becomes a list of cards on a narrow screen. The roles say again what the elements say: laid out as blocks
 * they would lose it, and a screen reader with them.
 */
export function Table<T>({ caption, columns, lines, class: className = "cards" }: TableProps<T>) {
  const side = ({ kind }: ViewColumn<T>) => (kind === "number" ? "number" : "text");
  return (
    <table role="table" class={className}>
      <caption class="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th role="columnheader" scope="col" class={side(column)}>
              {column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {lines.map((line) => (
          <tr role="row">
            {columns.map((column) => (
              <td role="cell" class={side(column)} data-head={column.head}>
                <span>{"cell" in column ? column.cell(line) : cellOf(column, line)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function cellOf<T>({ kind, text, value, tone }: Column<T>, line: T): Child {
  const shown = text(line);
  const raw = value(line);
  if (kind === "id")
    return (
      <code class="key" data-copy={shown}>
        {shown}
      </code>
    );
  if (kind === "time")
    return raw === undefined ? (
      shown
    ) : (
      <time datetime={String(raw)} title={String(raw)} data-copy={String(raw)}>
        {shown}
      </time>
    );
  if (kind === "number" && raw !== undefined)
    return (
      <data value={String(raw)} data-copy={String(raw)}>
        {shown}
      </data>
    );
  return kind === "state" ? <Status text={shown} tone={tone?.(line)} /> : shown;
}

export const cell = <T,>(
  head: string,
  read: (line: T) => Child,
  kind: Column<T>["kind"] = "text",
): ViewColumn<T> => ({ head, kind, cell: read });

/** Wide tables scroll in their own frame, by keyboard too. */
export const Scroll = ({
  label,
  tall = false,
  children,
}: {
  readonly label: string;
  readonly tall?: boolean;
  readonly children?: Child;
}) => (
  <div class={`scroll ${tall ? "tall" : ""}`} role="region" aria-label={label} tabindex={0}>
    {children}
  </div>
);

export const Empty = ({ children }: { readonly children?: Child }) => <p class="empty">{children}</p>;

interface SectionProps {
  readonly title: string;
  readonly note?: Child;
  readonly id?: string;
  readonly children?: Child;
}

/** A part of a page under its heading. */
export const Section = ({ title, note, id, children }: SectionProps) => {
  const name = id ?? title.toLowerCase().replace(/[^a-z0-9]+/gu, "-");
  return (
    <section aria-labelledby={name}>
      <div class="title">
        <h2 id={name}>{title}</h2>
        {note === undefined ? null : <p class="hint">{note}</p>}
      </div>
      {children}
    </section>
  );
};

export const PageTitle = ({ title, children }: { readonly title: Child; readonly children?: Child }) => (
  <div class="title">
    <h1>{title}</h1>
    <div class="hint">{children}</div>
  </div>
);

/** `1,234 payouts`, or `more than 10,000 payouts`: a reader does not wait for a count of millions. */
export const countedText = ({ count, more }: Counted, one: string, many?: string): string =>
  more ? `more than ${numberText(count)} ${many ?? `${one}s`}` : countText(count, one, many);

/** To the pages before and after. Each link says the place where its page begins, so that what is new shifts no line. */
export const Pager = ({
  page,
  url,
  newer = "Newer",
  older = "Older",
}: {
  readonly page: Pick<KeysetPage<unknown>, "before" | "after">;
  readonly url: URL;
  readonly newer?: string;
  readonly older?: string;
}) => {
  if (page.before === undefined && page.after === undefined) return null;
  return (
    <nav class="pager" aria-label="Pages of this list">
      {page.before === undefined ? null : (
        <>
          <a class="button quiet" href={withQuery(url, { before: undefined, after: undefined })}>
            First
          </a>
          <a class="button quiet" rel="prev" href={withQuery(url, { before: page.before, after: undefined })}>
            ← {newer}
          </a>
        </>
      )}
      {page.after === undefined ? null : (
        <a class="button quiet" rel="next" href={withQuery(url, { after: page.after, before: undefined })}>
          {older} →
        </a>
      )}
    </nav>
  );
};

/** The same address with some of its query changed; `undefined` takes a field away. */
export function withQuery(url: URL, change: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(change))
    if (value === undefined) query.delete(name);
    else query.set(name, value);
  const text = query.toString();
  return `${url.pathname}${text === "" ? "" : `?${text}`}`;
}
