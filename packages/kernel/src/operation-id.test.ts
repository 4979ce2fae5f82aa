import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { compareOperations, operationId, operationPosition, virtualPosition } from "./operation-id.ts";

const position = fc.record({
  blockNum: fc.integer({ min: 1, max: 0xffff_ffff }),
  trxInBlock: fc.nat({ max: 0xffff }),
  opInTrx: fc.nat({ max: 0xffff }),
});
/** Positions that often share a block or a transaction, where an order can go wrong. */
const near = fc.record({
  blockNum: fc.integer({ min: 9, max: 11 }),
  trxInBlock: fc.integer({ min: 9, max: 11 }),
  opInTrx: fc.integer({ min: 9, max: 11 }),
});

describe("the name of an operation", () => {
  it("is block:trx:op", () =>
    expect(operationId({ blockNum: 60_693_001, trxInBlock: 12, opInTrx: 0 })).toBe("60693001:12:0"));

  test.prop([position])("says everything about where it stands", (at) => {
    expect(operationPosition(operationId(at))).toEqual(at);
  });

  test.prop([position, fc.nat({ max: 0x7fff })])(
    "says so of what the chain carried out itself, too",
    (at, virtualOp) => {
      const place = virtualPosition(at, virtualOp);
      expect(place && operationPosition(operationId(place))).toEqual(place);
      expect(place?.opInTrx).toBeLessThan(2 ** 31);
    },
  );

  it("has a fourth part for what the chain carried out itself", () => {
    const at = { blockNum: 60_693_001, trxInBlock: 12, opInTrx: 1 };
    expect(operationId(virtualPosition(at, 3) ?? at)).toBe("60693001:12:1.3");
    expect(virtualPosition(at, 0)).toEqual(at);
  });

  it.each(["1:2:65537", "1:2:3.0", "1:2:03", "1:2:3.99999", "1:2", "x", "1:2:3.1.1", "0:2:3.1"])(
    "is written in one way only, and %s is none",
    (text) => expect(operationPosition(text)).toBeUndefined(),
  );

  it("of an import, in block 0, has three parts however large they are", () => {
    const at = { blockNum: 0, trxInBlock: 1_612_000_000, opInTrx: 2 ** 31 - 1 };
    expect(operationId(at)).toBe("0:1612000000:2147483647");
    expect(operationPosition(operationId(at))).toEqual(at);
  });
});

describe("chain order", () => {
  it("goes by number and not by text: block first, then transaction, then operation", () => {
    const at = (blockNum: number, trxInBlock: number, opInTrx: number) => ({ blockNum, trxInBlock, opInTrx });
    const inOrder = [at(9, 99, 99), at(10, 0, 2), at(10, 0, 10), at(10, 2, 0), at(10, 10, 0), at(100, 0, 0)];
    expect(inOrder.toReversed().toSorted(compareOperations)).toEqual(inOrder);
  });

  test.prop([near, near])("two operations are equal only when they have the same name", (a, b) => {
    expect(compareOperations(a, b) === 0).toBe(operationId(a) === operationId(b));
    expect(Math.sign(compareOperations(a, b)) + Math.sign(compareOperations(b, a))).toBe(0);
  });

  test.prop([near, near, near])("has no circles", (a, b, c) => {
    if (compareOperations(a, b) <= 0 && compareOperations(b, c) <= 0)
      expect(compareOperations(a, c)).toBeLessThanOrEqual(0);
  });
});
