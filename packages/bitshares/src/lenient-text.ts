/*
 * Text whose bytes are not UTF-8. The chain lets any account write such strings, nodes print them as they are, and the merkle root is
 * over the bytes: so each byte that is no part of a UTF-8 character is kept as a lone surrogate, U+DC00 plus the byte, which
 * no UTF-8 can decode to. (Python calls this `surrogateescape`.)
 */

const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Total: any bytes give a text, and {@link encodeLenient} gives the bytes back. */
export function decodeLenient(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeByParts(bytes);
  }
}

function decodeByParts(bytes: Uint8Array): string {
  const parts: string[] = [];
  let start = 0; // of a run of whole characters that is not decoded yet
  let at = 0;
  while (at < bytes.length) {
    const length = characterBytes(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > start) parts.push(strict.decode(bytes.subarray(start, at)));
    parts.push(String.fromCharCode(0xdc00 + (bytes[at] as number)));
    start = ++at;
  }
  if (at > start) parts.push(strict.decode(bytes.subarray(start, at)));
  return parts.join("");
}

/** Bytes of the character that begins here; 0: none does (RFC 3629: nothing overlong, no surrogates, nothing past U+10FFFF). */
function characterBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length =
    first >= 0xc2 && first <= 0xdf
      ? 2
      : first >= 0xe0 && first <= 0xef
        ? 3
        : first >= 0xf0 && first <= 0xf4
          ? 4
          : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] as number;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return length;
}

const ESCAPED_BYTE = /[\uDC80-\uDCFF]/u;

/** The bytes that were decoded. */
export function encodeLenient(text: string): Buffer {
  if (!ESCAPED_BYTE.test(text)) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let whole = "";
  for (const character of text) {
    const unit = character.length === 1 ? character.charCodeAt(0) : 0;
    if (unit >= 0xdc80 && unit <= 0xdcff) {
      parts.push(Buffer.from(whole, "utf8"), Buffer.of(unit - 0xdc00));
      whole = "";
    } else {
      whole += character;
    }
  }
  parts.push(Buffer.from(whole, "utf8"));
  return Buffer.concat(parts);
}
