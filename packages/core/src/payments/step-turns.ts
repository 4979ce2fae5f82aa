/** What one step of the payer says to the one after it, and hears from the one before. */
export interface StepTurn {
  /** All bytes of this step that will be sent are saved, so many of them: the next one may be begun. */
  readonly saved: (count: number) => void;
  /** Settles when what became of the bytes of the step before is noted. Never rejects. */
  readonly before: Promise<unknown>;
}

/** A step on its way. */
export interface BegunStep<T> {
  /** How many payouts it will send, known when all are saved; 0 also when it fails before. Never rejects. */
  readonly saved: Promise<number>;
  readonly done: Promise<T>;
}

/** For a step beside which there is no other. */
export const ALONE: StepTurn = { saved: () => undefined, before: Promise.resolve() };

/**
 * Steps in the order in which they are asked for: one is begun when the one before it has saved, and sends when that one has heard.
 * So one is looked at and signed while the one before it is on the line, and never a third.
 */
export function inTurns<I, T>(work: (input: I, turn: StepTurn) => Promise<T>): (input: I) => BegunStep<T> {
  let lastSaved: Promise<unknown> = Promise.resolve();
  let lastDone: Promise<unknown> = Promise.resolve();
  return (input) => {
    const [begin, before] = [lastSaved, lastDone];
    let tell: (count: number) => void = () => undefined;
    const saved = new Promise<number>((resolve) => {
      tell = resolve;
    });
    const done = begin.then(() => work(input, { saved: tell, before }));
    const over = done.then(
      () => tell(0),
      () => tell(0),
    );
    lastSaved = saved;
    lastDone = Promise.all([before, over]);
    return { saved, done };
  };
}
