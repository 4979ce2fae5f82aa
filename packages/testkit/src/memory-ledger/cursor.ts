import { assert } from "@stakebts/kernel/assert";
import type { Cursor, CursorMove, CursorTx } from "@stakebts/core/ledger/ledger";
import type { State } from "./state.ts";

export const cursorIn = (state: State): CursorTx => ({
  async read(): Promise<Cursor | undefined> {
    return state.cursor;
  },

  async move(expected: number | undefined, next: CursorMove): Promise<boolean> {
    if (state.cursor?.blockNum !== expected) return false;
    assert(
      expected === undefined || next.blockNum > expected,
      `the cursor does not go back to ${next.blockNum}`,
    );
    const scannedFromBlockNum = next.scannedFromBlockNum ?? state.cursor?.scannedFromBlockNum;
    assert(scannedFromBlockNum !== undefined, "the first cursor says where it begins");
    const { historyBlockNum } = state.cursor ?? {};
    state.cursor = {
      ...next,
      scannedFromBlockNum,
      ...(historyBlockNum === undefined ? {} : { historyBlockNum }),
    };
    return true;
  },

  async moveHistory(expected: number | undefined, to: number): Promise<boolean> {
    if (state.cursor === undefined || state.cursor.historyBlockNum !== expected) return false;
    state.cursor = { ...state.cursor, historyBlockNum: to };
    return true;
  },

  async extendScan({ from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    const { cursor } = state;
    if (cursor === undefined || cursor.scannedFromBlockNum <= from || cursor.scannedFromBlockNum > to + 1)
      return;
    state.cursor = { ...cursor, scannedFromBlockNum: from };
  },
});
