import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import * as z from "zod";
import { publicKeyFromWif } from "@stakebts/bitshares/keys";

/** What a process may need: each in its own keystore, so that the ingester never holds the key that pays. */
export interface KeystoreKeys {
  /** WIF. */
  readonly active?: string | undefined;
  /** WIF, newest first. */
  readonly memo?: readonly string[] | undefined;
}

/** The file is no keystore, or the password does not open it. Never says anything of what is inside. */
export class KeystoreError extends Error {
  override readonly name = "KeystoreError";
}

/**
 * scrypt as its author advises for files (2^17, 8, 1): 128 MB and a few tenths of a second for each guess. They stand in
 * the file, so that a later version may ask for more and still read this one.
 */
const KDF = { name: "scrypt", n: 131_072, r: 8, p: 1 } as const;
const FORMAT = "stakebts-keystore";
const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^(?:[0-9a-f]{2}){${bytes}}$`, "u"), `expected ${bytes} bytes in hex`);

const keystoreFile = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  /** Public keys, readable without the password: which keystore is this? */
  active: z.string().nullable(),
  memo: z.array(z.string()),
  // Bounds: a file from a stranger must not make this machine work or allocate for ever.
  kdf: z.strictObject({
    name: z.literal("scrypt"),
    n: z.int().min(16_384).max(1_048_576),
    r: z.int().min(1).max(16),
    p: z.int().min(1).max(4),
    salt: hex(32),
  }),
  cipher: z.strictObject({ name: z.literal("aes-256-gcm"), iv: hex(12), tag: hex(16) }),
  ciphertext: z.string().regex(/^(?:[0-9a-f]{2})+$/u),
});
type KeystoreFile = z.infer<typeof keystoreFile>;

const secrets = z.strictObject({ active: z.string().optional(), memo: z.array(z.string()).optional() });

function derive(password: string, kdf: KeystoreFile["kdf"]): Buffer {
  const { n, r, p, salt } = kdf;
  // NFC: the same password typed on another keyboard or system is the same bytes.
  return scryptSync(password.normalize("NFC"), Buffer.from(salt, "hex"), 32, {
    N: n,
    r,
    p,
    maxmem: 256 * n * r,
  });
}

/** What is readable is authenticated too: a change of the public keys or of the derivation is noticed. */
const header = ({
  format,
  version,
  active,
  memo,
  kdf,
}: Omit<KeystoreFile, "cipher" | "ciphertext">): Buffer =>
  Buffer.from(JSON.stringify([format, version, active, memo, kdf.name, kdf.n, kdf.r, kdf.p, kdf.salt]));

/**
 * The text of a new keystore file. Errors: KeyFormatError for what is no private key.
 * @param n of scrypt, what one guess costs; tests ask for less
 */
export function encryptKeystore(keys: KeystoreKeys, password: string, n: number = KDF.n): string {
  const readable = {
    format: FORMAT,
    version: 1,
    active: keys.active === undefined ? null : publicKeyFromWif(keys.active),
    memo: (keys.memo ?? []).map((wif) => publicKeyFromWif(wif)),
    kdf: { ...KDF, n, salt: randomBytes(32).toString("hex") },
  } as const;
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", derive(password, readable.kdf), iv).setAAD(header(readable));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(keys), "utf8"), cipher.final()]);
  const file: KeystoreFile = {
    ...readable,
    cipher: { name: "aes-256-gcm", iv: iv.toString("hex"), tag: cipher.getAuthTag().toString("hex") },
    ciphertext: ciphertext.toString("hex"),
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** The keys inside. Errors: {@link KeystoreError}. Takes a few tenths of a second, on purpose. */
export function openKeystore(text: string, password: string): KeystoreKeys {
  const file = readFile(text);
  const key = derive(password, file.kdf);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(file.cipher.iv, "hex"), {
      authTagLength: 16,
    })
      .setAAD(header(file))
      .setAuthTag(Buffer.from(file.cipher.tag, "hex"));
    const plain = Buffer.concat([decipher.update(Buffer.from(file.ciphertext, "hex")), decipher.final()]);
    return secrets.parse(JSON.parse(plain.toString("utf8")));
  } catch {
    // Without `cause`: it may quote what was decrypted.
    throw new KeystoreError("the password does not open this keystore, or the file was changed");
  }
}

/** The public keys that the file names, without the password. Nothing shows yet that they are true. */
export function keystorePublicKeys(text: string): {
  readonly active: string | undefined;
  readonly memo: readonly string[];
} {
  const { active, memo } = readFile(text);
  return { active: active ?? undefined, memo };
}

function readFile(text: string): KeystoreFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new KeystoreError("this is no keystore: it is not JSON");
  }
  const parsed = keystoreFile.safeParse(content);
  if (parsed.success) return parsed.data;
  const version: unknown = (content as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > 1)
    throw new KeystoreError(`this keystore has format version ${version}; this program reads version 1`);
  const [issue] = parsed.error.issues;
  throw new KeystoreError(
    `this is no keystore: ${issue?.path.join(".") || "the file"}: ${issue?.message ?? "?"}`,
  );
}
