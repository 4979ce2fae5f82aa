import { bitsharesjs, bitsharesjsWs } from "./bitsharesjs.ts";
import { DEFAULT_KEY_PREFIX } from "./keys.ts";

/*
 * Operations other than transfers, as bitsharesjs serializes them. Slow where keys are involved, and not complete:
 * it does not know the newest operations, and may leave out an extension it does not know without a word.
 * So what comes out of here can confirm a merkle root; that it does not fit proves nothing.
 */

/** Tag and body, `undefined` when bitsharesjs cannot. Never throws: what goes in was written by strangers. */
export function serializeForeignOperation(
  tag: number,
  body: unknown,
  keyPrefix: string = DEFAULT_KEY_PREFIX,
): Uint8Array | undefined {
  const type = bitsharesjs().ops.operation.st_operations[tag];
  if (type === undefined) return undefined;
  try {
    // Global in the library. Set each time, because any code that sees a known chain id through it changes it.
    bitsharesjsWs().ChainConfig.setPrefix(keyPrefix);
    return Buffer.concat([Buffer.of(tag), type.toBuffer(withArrayExtensions(body))]);
  } catch {
    return undefined;
  }
}

/** Nodes print empty extensions of some operations as `{}`, which bitsharesjs takes for a list without a length. */
function withArrayExtensions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withArrayExtensions);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === "extensions" && isEmptyObject(item) ? [] : withArrayExtensions(item),
    ]),
  );
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
