declare const unit: unique symbol;

/** An instant: milliseconds since the epoch, UTC. All business time comes from block timestamps. */
export type Millis = number & { readonly [unit]: "millis" };

export const millis = (value: number): Millis => value as Millis;

export const plusMs = (instant: Millis, durationMs: number): Millis => (instant + durationMs) as Millis;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
