/**
 * A broken assumption: our bug, never something the world did. It is not caught anywhere on purpose:
 * a process that has lost track of its own state must stop, because it handles other people's money.
 */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The end of a switch over a closed set: a new member that is not handled does not compile. */
export function assertNever(value: never): never {
  throw new AssertionError(`unhandled case: ${JSON.stringify(value)}`);
}
