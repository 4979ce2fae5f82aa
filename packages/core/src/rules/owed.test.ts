import { describe, expect, it } from "vitest";
import { operation } from "@stakebts/testkit/given";
import type { MemoRequest } from "./request.ts";
import { whyReadOtherwise } from "./owed.ts";
import { CORE_ASSET_ID } from "./transfer.ts";

const STOP: MemoRequest = { type: "stop" };
const UNREADABLE: MemoRequest = { type: "invalid", reason: "unreadable" };
const UNREAD: MemoRequest = { type: "unread", publicKey: "BTS1" };

describe("what the ledger says that a transfer asks for", () => {
  const why = (inLedger: MemoRequest, onChain: MemoRequest, assetId: string = CORE_ASSET_ID) =>
    whyReadOtherwise({ operation: operation(10), request: inLedger }, { assetId, request: onChain });

  it("is what the chain says, or is named", () => {
    expect(why(STOP, STOP)).toBeUndefined();
    expect(why({ type: "open", term: "six_months" }, STOP)).toContain("asks for something else");
    expect(why(UNREADABLE, STOP)).toContain("asks for something else");
  });

  it("is left alone while one of the two has no key to the memo", () => {
    for (const onChain of [UNREAD, UNREADABLE]) expect(why(STOP, onChain)).toBeUndefined();
    expect(why(UNREAD, STOP)).toBeUndefined();
  });

  it("is left alone with another asset, with which nothing is asked for", () => {
    expect(why(UNREADABLE, STOP, "1.3.7")).toBeUndefined();
  });

  it("is named when there is no such transfer", () => {
    expect(whyReadOtherwise({ operation: operation(10), request: STOP }, undefined)).toContain(
      "not on the chain",
    );
  });
});
