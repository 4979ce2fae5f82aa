import { ApiSet } from "./api-set.ts";
import type { Chain } from "./chain.ts";
import type { ChainState, OperationRecord } from "./chain-state.ts";
import type { Json, Wire } from "./json-text.ts";
import { operationRecordWire } from "./object-wire.ts";
import { checkLimit, findAccount } from "./query-args.ts";
import { asArray, asObjectId, asString, asTime, asUint32, asUint64 } from "./variant.ts";

const HISTORY_METHODS = [
  "get_account_history",
  "get_account_history_by_operations",
  "get_account_history_by_time",
  "get_account_history_operations",
  "get_relative_account_history",
  "get_block_operation_history",
  "get_block_operations_by_time",
] as const;

const LIMIT = 100;

/** The account history plugin of a default node: entries appear with each block, reversible ones too, and are pruned. */
export function historyApi(chain: () => Chain): ApiSet {
  const state = () => chain().state;
  const print = (records: Iterable<OperationRecord>): Wire =>
    [...records].map((record) => operationRecordWire(state(), record));
  const limitOf = (json: Json, line: number, method: string) => {
    const limit = asUint32(json);
    checkLimit(limit, LIMIT, "api.cpp", line, method);
    return limit;
  };
  const operationId = (json: Json) => asObjectId(json, 1, 11);
  /** The range (stop, start]; start 0 means the newest, and stop 0 includes entry 0. */
  const between = (account: string, { start, stop }: { start: number; stop: number }) =>
    filter(
      newestFirst(state(), account),
      ({ id }) => (start === 0 || id <= start) && (stop === 0 || id > stop),
    );
  return new ApiSet(HISTORY_METHODS, {
    get_account_history: {
      required: 4,
      run: ([account = null, stop = null, limitJson = null, start = null]) => {
        const limit = limitOf(limitJson, 413, "get_account_history");
        const range = { start: operationId(start), stop: operationId(stop) };
        return print(take(between(asString(account), range), limit));
      },
    },
    get_account_history_operations: {
      required: 5,
      run: ([account = null, type = null, start = null, stop = null, limitJson = null]) => {
        const limit = limitOf(limitJson, 480, "get_account_history_operations");
        const tag = asUint32(type);
        const range = { start: operationId(start), stop: operationId(stop) };
        return print(
          take(
            filter(between(asString(account), range), (record) => tagOf(record) === tag),
            limit,
          ),
        );
      },
    },
    get_relative_account_history: {
      required: 4,
      run: ([account = null, stopJson = null, limitJson = null, startJson = null]) => {
        const limit = limitOf(limitJson, 530, "get_relative_account_history");
        const [stop, start] = [Number(asUint64(stopJson)), Number(asUint64(startJson))];
        return print(bySequence(state(), asString(account), { start, stop, limit }));
      },
    },
    get_account_history_by_operations: {
      required: 4,
      run: ([account = null, types = null, startJson = null, limitJson = null]) => {
        const limit = limitOf(limitJson, 620, "get_account_history_by_operations");
        const tags = new Set(asArray(types).map(asUint32));
        const start = asUint32(startJson);
        const total = totalOps(state(), asString(account));
        // The window of sequence numbers comes first, the filter second: an empty answer does not mean the end.
        const newest = total - start;
        const window =
          newest <= 0 || start > total
            ? []
            : bySequence(state(), asString(account), { start: newest, stop: newest - limit + 1, limit });
        const wanted = window.filter((record) => tags.size === 0 || tags.has(tagOf(record)));
        return { total_count: window.length, operation_history_objs: print(wanted) };
      },
    },
    get_account_history_by_time: {
      required: 1,
      run: ([account = null, limitJson = null, startJson = null]) => {
        const limit = limitJson === null ? LIMIT : limitOf(limitJson, 590, "get_account_history_by_time");
        const start = startJson === null ? Number.POSITIVE_INFINITY : asTime(startJson);
        return print(
          take(
            filter(newestFirst(state(), asString(account)), ({ blockTime }) => blockTime <= start),
            limit,
          ),
        );
      },
    },
    get_block_operation_history: {
      required: 1,
      run: ([num = null, trx = null]) => {
        const block = asUint32(num);
        const wanted = trx === null ? undefined : asUint32(trx);
        return print(
          filter(
            state().operations.values(),
            ({ blockNum, trxInBlock }) =>
              blockNum === block && (wanted === undefined || trxInBlock === wanted),
          ),
        );
      },
    },
  });
}

const tagOf = ({ operation }: OperationRecord): number =>
  operation.tag === "foreign" ? operation.value.tag : operation.tag;

function totalOps(state: ChainState, nameOrId: string): number {
  const account = findAccount(state, nameOrId);
  return account === undefined ? 0 : (state.statistics.get(account.id)?.totalOps ?? 0);
}

function* newestFirst(state: ChainState, nameOrId: string): Generator<OperationRecord> {
  const account = findAccount(state, nameOrId);
  if (account === undefined) return;
  for (let sequence = totalOps(state, nameOrId); sequence > 0; sequence--) {
    const entry = state.entryOf(account.id, sequence);
    const record = entry && state.operations.get(entry.operation);
    if (record === undefined) return; // pruned from here on
    yield record;
  }
}

/** Sequence numbers `stop` to `start`, both inclusive; start 0 means the newest. */
function bySequence(
  state: ChainState,
  nameOrId: string,
  { start, stop, limit }: { start: number; stop: number; limit: number },
): OperationRecord[] {
  const account = findAccount(state, nameOrId);
  if (account === undefined) return [];
  const total = totalOps(state, nameOrId);
  const found: OperationRecord[] = [];
  const lowest = Math.max(stop, 1);
  for (let at = start === 0 ? total : Math.min(start, total); at >= lowest && found.length < limit; at--) {
    const entry = state.entryOf(account.id, at);
    const record = entry && state.operations.get(entry.operation);
    if (record === undefined) break;
    found.push(record);
  }
  return found;
}

function* filter<T>(items: Iterable<T>, keep: (item: T) => boolean): Generator<T> {
  for (const item of items) if (keep(item)) yield item;
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}
