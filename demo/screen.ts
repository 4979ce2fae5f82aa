/** Colour on a terminal, plain text anywhere else. */
const colour =
  (code: number) =>
  (text: string): string =>
    process.stdout.isTTY ? `\u001B[${code}m${text}\u001B[0m` : text;

export const bold = colour(1);
export const dim = colour(2);
export const green = colour(32);
export const red = colour(31);
export const cyan = colour(36);

export const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export const heading = (text: string): void => say(`\n${bold(text)}`);

export const grouped = (amount: bigint): string => amount.toString().replace(/\B(?=(\d{3})+$)/gu, " ");

/** Columns as wide as they need to be; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("   ");
  return [
    bold(line(head)),
    dim("─".repeat(widths.reduce((sum, width) => sum + width + 3, -3))),
    ...rows.map(line),
  ].join("\n");
}
