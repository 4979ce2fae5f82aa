import { hash } from "node:crypto";

// In one call each: a Hash object costs several times as much as the hashing of a transaction.

export const sha256 = (data: Uint8Array): Buffer => hash("sha256", data, "buffer");
/** Lower case. */
export const sha256Hex = (data: Uint8Array): string => hash("sha256", data, "hex");
export const sha224Hex = (data: Uint8Array): string => hash("sha224", data, "hex");
export const sha512 = (data: Uint8Array | string): Buffer => hash("sha512", data, "buffer");
export const sha512Hex = (data: Uint8Array): string => hash("sha512", data, "hex");
