import { html } from "hono/html";
import { field } from "./guard.ts";
import type { Html } from "./html/layout.ts";

const LENGTH_MAX = 500;

/** Why somebody does something, from a form; or what is wrong with it. */
export function reasonIn(
  form: Record<string, unknown>,
): { readonly reason: string } | { readonly problem: string } {
  const reason = field(form, "reason").trim();
  return reason === "" || reason.length > LENGTH_MAX
    ? { problem: `A reason of 1 to ${LENGTH_MAX} characters is needed; it ends in the receipt.` }
    : { reason };
}

/** @param id tells several on one page apart */
export const reasonField = (id = "reason"): Html =>
  html`<label for="${id}">Why? It ends in the receipt, with your name.</label>
    <textarea id="${id}" name="reason" rows="3" maxlength="${LENGTH_MAX}" required></textarea>`;
