import type { Context } from "../context.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

/** Exchanges refuse calls whose time is further off than some seconds; nothing else minds. */
const DIFFERENCE_MS_MAX = 5_000;

/** This host's clock against the database's. No rule depends on either; delays, alerts and exchanges do. */
export async function* examineClock(
  { view, clock }: Context,
  before: readonly Finding[],
): AsyncGenerator<Finding> {
  if (!before.some(({ name, state }) => name === "database" && state === "ok")) {
    yield skipped("clock", "not compared: see database");
    return;
  }
  const askedAtMs = clock.nowMs();
  const databaseMs = await view.hostTimeMs();
  const halfway = (askedAtMs + clock.nowMs()) / 2;
  const differenceMs = Math.round(Math.abs(databaseMs - halfway));
  yield differenceMs > DIFFERENCE_MS_MAX
    ? problem(
        "clock",
        `this host and the database's are ${Math.round(differenceMs / 1000)} s apart`,
        "set both with NTP: exchanges refuse calls of another time, and receipts are hard to compare",
      )
    : ok("clock", `${differenceMs} ms from the database's`);
}
