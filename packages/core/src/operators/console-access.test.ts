import { describe, expect, it } from "vitest";
import { hashPassword, passwordFits } from "./console-access.ts";

describe("a password that is stored as its hash", () => {
  it("fits itself and nothing else, with a salt of its own each time", async () => {
    const [one, two] = await Promise.all([
      hashPassword("correct horse battery"),
      hashPassword("correct horse battery"),
    ]);
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/u);
    expect(one).not.toBe(two);
    expect(await passwordFits("correct horse battery", one)).toBe(true);
    expect(await passwordFits("correct horse batterx", one)).toBe(false);
    expect(await passwordFits("", one)).toBe(false);
  });

  it("is the same however a keyboard composes its letters", async () => {
    expect(await passwordFits("cafe\u0301 au lait!", await hashPassword("caf\u00E9 au lait!"))).toBe(true);
  });

  it("fits no text that is not a hash, and none that would cost without bounds", async () => {
    const hash = await hashPassword("correct horse battery");
    const texts = ["", "correct horse battery", hash.replace("scrypt", "plain"), hash.slice(0, -1)];
    for (const text of [...texts, hash.replace("ln=15", "ln=40"), hash.replace("r=8", "r=99")])
      expect(await passwordFits("correct horse battery", text)).toBe(false);
  });
});
