import { timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import type { HtmlEscapedString } from "hono/utils/html";

// How the fields of the console's forms are read, and the reason that every action needs.

/** Markup in which everything that came from elsewhere is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export const REASON_LENGTH_MAX = 500;

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

/** Why an operator does something, from a form; or what is wrong with it. */
export function reasonIn(
  form: Record<string, unknown>,
): { readonly reason: string } | { readonly problem: string } {
  const reason = field(form, "reason").trim();
  return reason === "" || reason.length > REASON_LENGTH_MAX
    ? { problem: `A reason of 1 to ${REASON_LENGTH_MAX} characters is needed; it ends in the receipt.` }
    : { reason };
}
