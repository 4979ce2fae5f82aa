import { type AccountId, type ChainAccount } from "@stakebts/bitshares/chain";
import { describe, expect, it } from "vitest";
import { AccountNames } from "./account-names.ts";

const ids = (...numbers: readonly number[]): readonly AccountId[] =>
  numbers.map((n) => `1.2.${n}` as AccountId);

/** Every account below 1.2.1000 is there. */
function chain() {
  const asked: number[] = [];
  return {
    asked,
    accounts: async (wanted: readonly string[]) => {
      asked.push(wanted.length);
      return wanted.map((id) =>
        Number(id.slice(4)) < 1_000 ? ({ id, name: `name-${id.slice(4)}` } as ChainAccount) : undefined,
      );
    },
  };
}

describe("names of accounts", () => {
  it("are asked for once, a hundred at a time", async () => {
    const nodes = chain();
    const names = new AccountNames(nodes);
    const many = ids(...Array.from({ length: 150 }, (_, n) => n));
    await names.learn([...many, ...many]);
    await names.learn(many);
    expect(nodes.asked).toEqual([100, 50]);
    expect(names.of("1.2.149" as AccountId)).toBe("name-149");
  });

  it("of one step are all known, also when there is no room for those before", async () => {
    const names = new AccountNames(chain(), 3);
    await names.learn(ids(1, 2, 3));
    await names.learn(ids(1, 4));
    expect(ids(1, 4).map((id) => names.of(id))).toEqual(["name-1", "name-4"]);
    await names.learn(ids(5, 6, 7, 8));
    expect(ids(5, 8).map((id) => names.of(id))).toEqual(["name-5", "name-8"]);
  });

  it("are the ids of accounts that no node knows", async () => {
    const names = new AccountNames(chain());
    await names.learn(ids(1_000));
    expect(names.of("1.2.1000" as AccountId)).toBe("1.2.1000");
  });
});
