type Pages<T> = AsyncIterable<readonly T[]>;

/** One thing as two ledgers have it; not both are missing. */
export type Pair<T> =
  | { readonly ledger: T; readonly chain: T }
  | { readonly ledger: T; readonly chain: undefined }
  | { readonly ledger: undefined; readonly chain: T };

/** Walks through two ordered lists at once, in little memory. */
export async function* sideBySide<T>(
  ledger: Pages<T>,
  chain: Pages<T>,
  compare: (a: T, b: T) => number,
): AsyncGenerator<Pair<T>> {
  const left = flat(ledger);
  const right = flat(chain);
  let [a, b] = [await left.next(), await right.next()];
  while (a.done !== true || b.done !== true) {
    const order = a.done === true ? 1 : b.done === true ? -1 : compare(a.value, b.value);
    if (order === 0 && a.done !== true && b.done !== true) yield { ledger: a.value, chain: b.value };
    else if (order < 0 && a.done !== true) yield { ledger: a.value, chain: undefined };
    else if (b.done !== true) yield { ledger: undefined, chain: b.value };
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
}

async function* flat<T>(pages: Pages<T>): AsyncGenerator<T, undefined> {
  for await (const page of pages) yield* page;
  return undefined;
}
