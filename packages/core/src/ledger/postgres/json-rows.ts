/**
 * Postgres keeps neither the NUL character nor half a surrogate pair in text. Both can come in a memo or in a node's
 * message; U+FFFD stands for what was not text anyway.
 */
const storable = (_key: string, value: unknown): unknown => {
  if (typeof value === "bigint") return `${value}`;
  return typeof value === "string" ? value.replace(/\0|\p{Surrogate}/gu, "\u{FFFD}") : value;
};

/**
 * Rows by the hundred as one parameter, for `jsonb_to_recordset`: while catching up a batch of blocks brings thousands, and a
 * client that binds every column of every row is what takes the time then.
 */
export const jsonRows = (rows: readonly unknown[]): string => JSON.stringify(rows, storable);
