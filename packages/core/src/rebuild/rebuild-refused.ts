/** Nothing was done: what is in the way, and what to do. */
export class RebuildRefused extends Error {
  override readonly name = "RebuildRefused";
  readonly todo: string;
  constructor(message: string, todo: string) {
    super(message);
    this.todo = todo;
  }
}
