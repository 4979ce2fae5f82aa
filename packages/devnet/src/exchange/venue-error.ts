/** What the venue answers in place of a result: a status, and a code in the body. */
export class VenueError extends Error {
  override readonly name = "VenueError";
  readonly status: number;
  readonly code: string;
  readonly data: Readonly<Record<string, string>> | undefined;
  constructor(status: number, code: string, data?: Readonly<Record<string, string>>) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.data = data;
  }
}

export const badParameter = (name: string): VenueError =>
  new VenueError(400, "BAD_REQUEST", { [name]: "invalid" });
