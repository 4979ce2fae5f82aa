import { fc, test } from "@stakebts/testkit/property";
import { expect } from "vitest";
import { BinaryWriter } from "./binary-writer.ts";

test.prop([fc.nat(1200), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })])(
  "a number is written whole wherever the buffer has to grow",
  (before, value) => {
    const out = new BinaryWriter();
    for (let i = 0; i < before; i++) out.uint8(7);
    out.int64(value);
    expect(out.bytes().length).toBe(before + 8);
    expect(out.bytes().readBigInt64LE(before)).toBe(value);
  },
);
