import type { Child } from "hono/jsx";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import { REASON_LENGTH_MAX } from "../form.ts";

// What the console's forms have in common.

export const CsrfField = ({ session }: { readonly session: ConsoleSession }) => (
  <input type="hidden" name="csrf" value={session.csrfToken} />
);

/** @param id tells several on one page apart */
export const ReasonField = ({
  id = "reason",
  value = "",
  autofocus = false,
}: {
  readonly id?: string;
  readonly value?: string;
  readonly autofocus?: boolean;
}) => (
  <>
    <label for={id}>Why? It ends in the receipt, with your name.</label>
    <textarea id={id} name="reason" rows={3} maxlength={REASON_LENGTH_MAX} required autofocus={autofocus}>
      {value}
    </textarea>
  </>
);

/** For what moves money: the person types what is about to happen. */
export const TypedField = ({
  expected,
  id = "typed",
}: {
  readonly expected: string;
  readonly id?: string;
}) => (
  <>
    <label for={id}>
      Type <code>{expected}</code> to confirm.
    </label>
    <input id={id} name="typed" autocomplete="off" autocapitalize="none" spellcheck={false} required />
  </>
);

export interface FilterField {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  /** Choices: value and text. Without them a text field. */
  readonly options?: readonly (readonly [string, string])[];
  readonly type?: "text" | "date" | "number" | "month";
  readonly placeholder?: string;
}

/** What a list shows, as a form that sends an address: it can be kept, shared and gone back to. */
export const FilterForm = ({
  action,
  fields,
  children,
}: {
  readonly action: string;
  readonly fields: readonly FilterField[];
  readonly children?: Child;
}) => (
  <form method="get" action={action} class="filter" role="search" aria-label="Filter">
    {fields.map((field) => (
      <div>
        <label for={`filter-${field.name}`}>{field.label}</label>
        {field.options === undefined ? (
          <input
            id={`filter-${field.name}`}
            name={field.name}
            type={field.type ?? "text"}
            value={field.value ?? ""}
            placeholder={field.placeholder}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
          />
        ) : (
          <select id={`filter-${field.name}`} name={field.name}>
            {field.options.map(([value, text]) => (
              <option value={value} selected={value === (field.value ?? "")}>
                {text}
              </option>
            ))}
          </select>
        )}
      </div>
    ))}
    <div class="send">
      <button>Show</button>
      <a href={action}>Clear</a>
      {children}
    </div>
  </form>
);
