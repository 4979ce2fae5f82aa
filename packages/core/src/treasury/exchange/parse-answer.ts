import type { z } from "zod";
import { ExchangeError } from "../exchange.ts";

/** Throws ExchangeError "malformed_answer". Says where, not what: the answer is a stranger's text. */
export function parseAnswer<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, 5).map(({ path }) => path.join(".") || "the whole");
  throw new ExchangeError("malformed_answer", `${what}: ${places.join(", ")} is not as documented`);
}
