import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Something that must not be read, in every form in which it could be written down. */
export interface Secret {
  readonly name: string;
  readonly forms: readonly Buffer[];
}

/** A password, a token, a text. */
export const secretText = (name: string, text: string): Secret => ({
  name,
  forms: formsOf(Buffer.from(text)),
});

/** A private key: as people write it, and the number itself. */
export const secretKey = (name: string, wif: string): Secret => ({
  name,
  forms: [...formsOf(Buffer.from(wif)), ...formsOf(numberOf(wif))],
});

/** Between a byte for the network and four of a checksum, in base 58 (the format of wallets). */
function numberOf(wif: string): Buffer {
  const letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  const value = wif.split("").reduce((sum, letter) => sum * 58n + BigInt(letters.indexOf(letter)), 0n);
  return Buffer.from(value.toString(16).padStart(74, "0"), "hex").subarray(1, 33);
}

function formsOf(bytes: Buffer): Buffer[] {
  const hex = bytes.toString("hex");
  const forms = [bytes, hex, hex.toUpperCase(), [...bytes].join(","), JSON.stringify(bytes.toString())];
  // Inside of something longer, base64 depends on where it begins: three ways, without the letters that the rest decides.
  for (const before of [0, 1, 2]) {
    const whole = Math.floor((before + bytes.length) / 3) * 4;
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .slice(before === 0 ? 0 : 4, whole);
    forms.push(text, text.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms.map((form) => Buffer.from(form)).filter((form) => form.length > 7);
}

/** What of the secrets stands in a text; names only. */
export const secretsIn = (content: string | Buffer, secrets: readonly Secret[]): readonly string[] => {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return secrets.filter(({ forms }) => forms.some((form) => bytes.includes(form))).map(({ name }) => name);
};

/** Every file below a folder. */
export function filesIn(folder: string): readonly { readonly path: string; readonly content: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      try {
        return [{ path, content: readFileSync(path) }];
      } catch {
        return []; // The server has just removed it.
      }
    });
}
