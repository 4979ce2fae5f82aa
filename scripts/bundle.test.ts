import { expect, it } from "vitest";
import { builtFrom } from "./bundle.ts";

it("names what a program was built from: the image's tag, and the revision, short enough for a session's name", () => {
  const commit = "c1524c9a0809ab03e1cde4089a77af19e076b58e";
  expect(builtFrom({ VERSION: "2026-11-29", REVISION: commit })).toBe("2026-11-29 c1524c9");
  expect(builtFrom({ REVISION: `${commit}-changed` })).toBe("c1524c9+");
  expect(builtFrom({ VERSION: "v1.2" })).toBe("v1.2");
  expect(builtFrom({})).toBe("");
});
