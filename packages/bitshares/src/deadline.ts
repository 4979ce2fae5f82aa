/** What one tick counts at most. A loop that is held up for longer than twice this was at work, or the host was asleep. */
const TICK_MS = 250;

export interface Deadline {
  cancel(): void;
}

/**
 * Calls back when so much time has gone by in which this process could have taken an answer. While it is held up by work of its
 * own, answers wait in its sockets: such time does not count, or heavy blocks would make healthy nodes look silent.
 */
export function startDeadline(delayMs: number, onDeadline: () => void): Deadline {
  let leftMs = delayMs;
  let startedAtMs = performance.now();
  let timer: NodeJS.Timeout;
  const tick = (): void => {
    const nowMs = performance.now();
    leftMs -= Math.min(nowMs - startedAtMs, 2 * TICK_MS);
    if (leftMs <= 0.5) return onDeadline();
    startedAtMs = nowMs;
    timer = setTimeout(tick, Math.ceil(Math.min(leftMs, TICK_MS)));
  };
  timer = setTimeout(tick, Math.ceil(Math.min(leftMs, TICK_MS)));
  return { cancel: () => clearTimeout(timer) };
}
