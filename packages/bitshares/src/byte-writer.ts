import { assert } from "@stakebts/kernel/assert";

/** What a node printed is not of the type that it should be, or of one that is newer than this program. */
export class Unserializable extends Error {
  override readonly name = "Unserializable";
  constructor(expected: string) {
    super(`${expected} expected`);
  }
}

/** Appends the chain's binary forms: everything little-endian, lengths and ids as unsigned LEB128. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #grow(count: number): number {
    const at = this.#length;
    if (at + count > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + count));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length += count;
    return at;
  }

  uint8(value: number): void {
    const at = this.#grow(1);
    this.#buffer[at] = value;
  }

  uint16(value: number): void {
    const at = this.#grow(2);
    this.#buffer.writeUInt16LE(value, at);
  }

  uint32(value: number): void {
    const at = this.#grow(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  int64(value: bigint): void {
    const at = this.#grow(8);
    this.#buffer.writeBigInt64LE(value, at);
  }

  uint64(value: bigint): void {
    const at = this.#grow(8);
    this.#buffer.writeBigUInt64LE(value, at);
  }

  /** Not for values past 2^53: division keeps it exact where shifts would cut at 32 bits. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.uint8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.uint8(rest);
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
  }

  /** Digits of whole bytes. */
  hex(digits: string): void {
    const at = this.#grow(digits.length / 2);
    const written = this.#buffer.write(digits, at, "hex");
    assert(written * 2 === digits.length, "whole bytes in hex");
  }

  /** What was written so far, good until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Begins anew. */
  clear(): void {
    this.#length = 0;
  }

  /** A copy: the writer may go on. */
  take(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }
}
