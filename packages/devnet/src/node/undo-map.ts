/**
 * State that can be taken back: pending transactions are undone before every block, blocks are undone in a fork switch.
 * Values are never changed in place, so an undo entry is the old value and a copy of the state shares all values.
 */

type Key = number | string;

interface UndoEntry {
  readonly map: number;
  readonly key: Key;
  readonly old: unknown;
}

export interface Change {
  /** Object id, such as `2.5.7`. */
  readonly id: string;
  readonly kind: "new" | "changed" | "removed";
}

export class UndoLog {
  readonly #maps: UndoMap<Key, unknown>[] = [];
  #sessions: UndoEntry[][] = [];

  get depth(): number {
    return this.#sessions.length;
  }

  /** A map whose changes this log takes back. `idOf` names the object behind a key, if clients can see it. */
  map<K extends Key, V>(idOf?: (key: K) => string): UndoMap<K, V> {
    const map = new UndoMap<K, V>(this, this.#maps.length, idOf);
    this.#maps.push(map as unknown as UndoMap<Key, unknown>);
    return map;
  }

  /** Without a session (while the genesis is built) nothing can be taken back. */
  record(map: number, key: Key, old: unknown): void {
    this.#sessions.at(-1)?.push({ map, key, old });
  }

  begin(): void {
    this.#sessions.push([]);
  }

  /** Takes back the newest session. */
  undo(): void {
    const session = this.#sessions.pop();
    if (session === undefined) throw new Error("nothing to undo");
    for (let i = session.length - 1; i >= 0; i--) {
      const { map, key, old } = session[i] as UndoEntry;
      this.#maps[map]?.restore(key, old);
    }
  }

  /** Makes the newest session part of the one below it. */
  merge(): void {
    const session = this.#sessions.pop();
    const below = this.#sessions.at(-1);
    if (session === undefined || below === undefined) throw new Error("no session to merge into");
    for (const entry of session) below.push(entry);
  }

  /** Gives up the possibility to undo all but the newest `keep` sessions. */
  forget(keep: number): void {
    if (this.#sessions.length > keep) this.#sessions.splice(0, this.#sessions.length - keep);
  }

  /** Objects that the newest session touched, with what became of them. */
  changes(): Change[] {
    const changes = new Map<string, Change>();
    for (const { map: index, key, old } of this.#sessions.at(-1) ?? []) {
      const map = this.#maps[index];
      const id = map?.idOf?.(key);
      if (map === undefined || id === undefined || changes.has(id)) continue;
      const kind = old === undefined ? "new" : map.get(key) === undefined ? "removed" : "changed";
      changes.set(id, { id, kind });
    }
    return [...changes.values()];
  }

  /** Copies the contents and sessions of `other`, whose maps were made in the same order. */
  copyFrom(other: UndoLog): void {
    this.#sessions = other.#sessions.map((session) => [...session]);
    for (const [index, map] of this.#maps.entries()) {
      const source = other.#maps[index];
      if (source !== undefined) map.copyFrom(source);
    }
  }
}

export class UndoMap<K extends Key, V> {
  readonly idOf: ((key: K) => string) | undefined;
  readonly #log: UndoLog;
  readonly #index: number;
  #values = new Map<K, V>();

  constructor(log: UndoLog, index: number, idOf?: (key: K) => string) {
    this.#log = log;
    this.#index = index;
    this.idOf = idOf;
  }

  get size(): number {
    return this.#values.size;
  }
  get(key: K): V | undefined {
    return this.#values.get(key);
  }
  has(key: K): boolean {
    return this.#values.has(key);
  }
  keys(): IterableIterator<K> {
    return this.#values.keys();
  }
  values(): IterableIterator<V> {
    return this.#values.values();
  }
  set(key: K, value: V): void {
    this.#log.record(this.#index, key, this.#values.get(key));
    this.#values.set(key, value);
  }
  delete(key: K): void {
    this.#log.record(this.#index, key, this.#values.get(key));
    this.#values.delete(key);
  }
  /** Used by the log alone. */
  restore(key: K, old: unknown): void {
    if (old === undefined) this.#values.delete(key);
    else this.#values.set(key, old as V);
  }
  copyFrom(other: UndoMap<K, V>): void {
    this.#values = new Map(other.#values);
  }
}
