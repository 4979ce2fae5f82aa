import type { HostClock } from "@stakebts/kernel/clock";
import type { OnProgress } from "@stakebts/core/imports/import-refused";
import type { Terminal } from "./terminal.ts";

const REWRITE_MS = 200;
/** A file or a pipe gets a line now and then. */
const LINE_MS = 10_000;

/** Says how far a long piece of work is, how fast it goes and when it will be done. Work of a moment goes unmentioned. */
export function progressOf(
  {
    terminal,
    clock,
  }: { readonly terminal: Pick<Terminal, "note" | "rewrite">; readonly clock: Pick<HostClock, "nowMs"> },
  what: string,
): { readonly onProgress: OnProgress; readonly end: () => void } {
  const startMs = clock.nowMs();
  let saidMs = startMs;
  let said = false;
  return {
    onProgress: (done, total) => {
      const nowMs = clock.nowMs();
      if (nowMs - saidMs < (terminal.rewrite === undefined ? LINE_MS : REWRITE_MS)) return;
      saidMs = nowMs;
      said = true;
      (terminal.rewrite ?? terminal.note)(progressLine(what, { done, total, elapsedMs: nowMs - startMs }));
    },
    end: () => {
      if (said) terminal.rewrite?.("");
    },
  };
}

/** `blocks: 12000 of 50000 (24 %), 800/s, 48 s left` */
export function progressLine(
  what: string,
  { done, total, elapsedMs }: { readonly done: number; readonly total: number; readonly elapsedMs: number },
): string {
  const perSecond = done / (Math.max(1, elapsedMs) / 1_000);
  const share = total === 0 ? 100 : Math.floor((done / total) * 100);
  const left = done === 0 ? "" : `, ${spanText((total - done) / perSecond)} left`;
  return `${what}: ${done} of ${total} (${share} %), ${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s${left}`;
}

function spanText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5_400) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
