/** What was found out about one thing. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "problem" | "skipped";
  readonly message: string;
  /** What to do about a problem. */
  readonly todo?: string;
}

export const ok = (name: string, message: string): Finding => ({ name, state: "ok", message });
export const skipped = (name: string, message: string): Finding => ({ name, state: "skipped", message });
export const problem = (name: string, message: string, todo: string): Finding => ({
  name,
  state: "problem",
  message,
  todo,
});
