/**
 * How fast one node is asked. Public nodes stand behind proxies that allow so many requests in a second, and close the
 * connection or refuse what is more; none of them says how many. So requests go out as they come until a node shows such a
 * limit; from then on at a part of what it has answered in a second, and slowly more again.
 */
export interface RequestPace {
  /** `undefined`: as fast as requests come. */
  readonly perSecond: number | undefined;
  /** Resolves when the next request may go out. */
  turn(): Promise<void>;
  /** A request has been answered. */
  answered(): void;
  /** The node closed or refused in the middle of many requests. Answers whether that changed the pace. */
  limited(): boolean;
}

/** Of what was answered in the second before the limit was met: the rest is for questions from other processes here. */
const SHARE_OF_BORNE = 0.7;
/** Who asks less than this is not cut off for asking too much: the node is restarted, or away. */
const BURST_MIN = 10;
/** After each period without trouble the pace grows: fast while it is far from where the limit was met, carefully there. */
const GROW_EVERY_MS = 5_000;
const GROW_FAST = 1.25;
const GROW_SLOWLY = 1.02;
/** Far above what any node answers to one client: no limit any more. */
const PER_SECOND_MAX = 5_000;
/** What counts in a second has to pass before anything is asked again; and what is on its way belongs to the same limit. */
const PAUSE_MS = 1_100;

const now = (): number => performance.now();

/** @param perSecondMax set by the operator: never faster than this */
export function createRequestPace(perSecondMax?: number): RequestPace {
  let perSecond = perSecondMax;
  let borne = perSecondMax ?? Infinity;
  let nextAtMs = 0;
  let limitedAtMs = -Infinity;
  let grownAtMs = 0;
  let sent: number[] = [];
  let answers: number[] = [];
  let [sentMax, answersMax] = [PER_SECOND_MAX, PER_SECOND_MAX];

  const within = (times: readonly number[], ms: number) => times.filter((time) => time > now() - ms);

  /** Those of the last second, and how many there may be before they are looked through again: twice as many. */
  function trimmed(times: readonly number[]): [number[], number] {
    const recent = within(times, 1_000);
    return [recent, Math.max(PER_SECOND_MAX, 2 * recent.length)];
  }

  function grow(): void {
    if (perSecond === undefined || now() - Math.max(grownAtMs, limitedAtMs) < GROW_EVERY_MS) return;
    grownAtMs = now();
    perSecond = Math.min(
      perSecond * (Math.abs(perSecond / borne - 1) > 0.1 ? GROW_FAST : GROW_SLOWLY),
      perSecondMax ?? Infinity,
    );
    if (perSecond > PER_SECOND_MAX) perSecond = perSecondMax;
  }

  return {
    get perSecond() {
      return perSecond;
    },
    async turn() {
      grow();
      while (perSecond !== undefined) {
        const atMs = Math.max(now(), nextAtMs);
        nextAtMs = atMs + 1_000 / perSecond;
        const waitMs = Math.ceil(atMs - now());
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        if (now() >= limitedAtMs + PAUSE_MS) break; // else a limit was met while this one waited
      }
      sent.push(now());
      if (sent.length > sentMax) [sent, sentMax] = trimmed(sent);
    },
    answered() {
      answers.push(now());
      if (answers.length > answersMax) [answers, answersMax] = trimmed(answers);
    },
    limited() {
      // The requests that were on their way are told of the same limit.
      if (now() - limitedAtMs < PAUSE_MS) return false;
      [sent, answers] = [within(sent, 1_000), within(answers, 1_000)];
      const isBusy = sent.length >= Math.min(BURST_MIN, (perSecond ?? Infinity) / 2);
      if (answers.length === 0 || !isBusy) return false;
      limitedAtMs = now();
      borne = answers.length;
      perSecond = Math.max(1, Math.min(borne, perSecond ?? Infinity) * SHARE_OF_BORNE);
      nextAtMs = now() + PAUSE_MS;
      return true;
    },
  };
}
