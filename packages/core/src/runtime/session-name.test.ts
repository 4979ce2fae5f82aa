import { expect, it } from "vitest";
import { processOfSession, sessionName } from "./session-name.ts";

it("says which process a session is of, and where it runs", () => {
  const found = processOfSession(sessionName("payer"));
  expect(found?.process).toBe("payer");
  expect(found?.instance).toMatch(new RegExp(`^${process.pid}@[A-Za-z0-9.-]+$`, "u"));
  expect(sessionName("scheduler").length).toBeLessThanOrEqual(63);
});

it("knows no session of another program", () => {
  for (const name of ["", "psql", "stakebts-backup", "stakebts-payer", "stakebts-payer a b"])
    expect(processOfSession(name)).toBeUndefined();
});
