import { badParameter, VenueError } from "./venue-error.ts";

const PAGE_DEFAULT = 100;
const PAGE_MAX = 200;
const WHOLE_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u;

interface Ended {
  readonly id: string;
  readonly completedAtMs?: number | undefined;
}

/** One page of a list that has the newest first. Tokens are ids of items that the client holds. */
export function pageOf<T extends Ended>(newestFirst: readonly T[], query: URLSearchParams): readonly T[] {
  const sizeText = query.get("pageSize") ?? `${PAGE_DEFAULT}`;
  const size = /^\d{1,3}$/u.test(sizeText) ? Number(sizeText) : 0;
  if (size < 1 || size > PAGE_MAX) throw badParameter("pageSize");
  const [after, before] = [query.get("nextPageToken"), query.get("previousPageToken")];
  if (after !== null && before !== null) throw badParameter("previousPageToken");
  const fromMs = instant(query, "startDate") ?? Number.NEGATIVE_INFINITY;
  const toMs = instant(query, "endDate") ?? Number.POSITIVE_INFINITY;
  if (toMs < fromMs) throw badParameter("endDate");
  const within = newestFirst.filter(
    ({ completedAtMs = fromMs }) => completedAtMs >= fromMs && completedAtMs <= toMs,
  );
  if (after !== null) {
    const at = within.findIndex(({ id }) => id === after);
    if (at < 0) throw new VenueError(400, "INVALID_NEXT_PAGE_TOKEN");
    return within.slice(at + 1, at + 1 + size);
  }
  if (before !== null) {
    const at = within.findIndex(({ id }) => id === before);
    if (at < 0) throw new VenueError(400, "INVALID_PREVIOUS_PAGE_TOKEN");
    return within.slice(Math.max(0, at - size), at);
  }
  return within.slice(0, size);
}

function instant(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!WHOLE_SECONDS.test(text)) throw badParameter(name);
  return Date.parse(text);
}
