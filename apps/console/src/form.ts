import { timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";

// What the console's forms have in common: how their fields are read, the token that ties a form to its session, the
// reason that every action needs.

/** Markup in which everything that came from elsewhere is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const REASON_LENGTH_MAX = 500;

/** Fields of a form; none when the body is no form, even if its header says so. */
export async function formOf(c: Context): Promise<Record<string, unknown>> {
  try {
    return await c.req.parseBody();
  } catch (error) {
    if (error instanceof TypeError) return {};
    throw error;
  }
}

export const field = (form: Record<string, unknown>, name: string): string => {
  const value = form[name];
  return typeof value === "string" ? value : "";
};

/** Without telling by its duration how much of it fits. */
export function sameText(a: string, b: string): boolean {
  const [one, two] = [Buffer.from(a), Buffer.from(b)];
  return one.length === two.length && timingSafeEqual(one, two);
}

export const csrfField = (session: ConsoleSession): Html =>
  html`<input type="hidden" name="csrf" value="${session.csrfToken}" />`;

/** Why an operator does something, from a form; or what is wrong with it. */
export function reasonIn(
  form: Record<string, unknown>,
): { readonly reason: string } | { readonly problem: string } {
  const reason = field(form, "reason").trim();
  return reason === "" || reason.length > REASON_LENGTH_MAX
    ? { problem: `A reason of 1 to ${REASON_LENGTH_MAX} characters is needed; it ends in the receipt.` }
    : { reason };
}

/** @param id tells several on one page apart */
export const reasonField = (id = "reason", autofocus = false): Html =>
  html`<label for="${id}">Why? It ends in the receipt, with your name.</label>
    <textarea
      id="${id}"
      name="reason"
      rows="3"
      maxlength="${REASON_LENGTH_MAX}"
      required
      ${autofocus ? "autofocus" : ""}
    ></textarea>`;
