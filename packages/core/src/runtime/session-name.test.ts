import { expect, it } from "vitest";
import { processOfSession, sessionName } from "./session-name.ts";

it("says which process a session is of, where it runs and of which version it is", () => {
  const found = processOfSession(sessionName("payer", { version: "2026-11-29 c1524c9+", host: "höst.one" }));
  expect(found).toEqual({
    process: "payer",
    instance: `${process.pid}@h-st.one`,
    revision: "c1524c9+",
  });
  expect(processOfSession(sessionName("payer"))?.revision).toBe("unknown");
});

it("fits into what PostgreSQL keeps, with the end of the host's name", () => {
  const name = sessionName("scheduler", {
    version: "c1524c9",
    host: "stakebts-of-the-west-scheduler-7c9d8b5f4-x2x9k",
  });
  expect(name).toHaveLength(63);
  expect(name).toMatch(/-7c9d8b5f4-x2x9k c1524c9$/u);
});

it("knows a process of a version that does not say which it is, and no session of another program", () => {
  expect(processOfSession("stakebts-payer 11@one")).toMatchObject({
    instance: "11@one",
    revision: undefined,
  });
  for (const name of ["", "psql", "stakebts-backup", "stakebts-payer", "stakebts-payer a b c"])
    expect(processOfSession(name)).toBeUndefined();
});
