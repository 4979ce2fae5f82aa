/**
 * Text that strangers wrote, without what no database keeps (NUL, half a surrogate pair) and what moves a terminal's
 * cursor. U+FFFD stands in its place.
 */
export const plainText = (text: string): string => text.replace(/[\p{Cc}\p{Surrogate}]/gu, "\u{FFFD}");

/** A value fresh from JSON, with plain text in it, changed in place; `undefined` when it is nested deeper than the stack. */
export function plainJson(value: unknown): unknown {
  try {
    return plain(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function plain(value: unknown): unknown {
  if (typeof value === "string") return plainText(value);
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) fields[key] = plain(fields[key]);
  return value;
}
