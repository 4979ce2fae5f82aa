import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/**
 * scrypt as OWASP's cheat sheet on password storage advises where memory is dear (2^15, 8, 3): 32 MB and some tenths of a second
 * for each guess. The parameters stand in the text, so that a later version may ask for more and still read this one.
 */
const COST = { ln: 15, r: 8, p: 3 } as const;
const HASH_BYTES = 32;
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/u;

interface Cost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, base64 without padding. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, COST);
  const { ln, r, p } = COST;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(hash)}`;
}

/** Takes as long for a wrong password as for the right one. A text that is no hash fits no password. */
export async function passwordFits(password: string, stored: string): Promise<boolean> {
  const [, ln, r, p, salt, hash] = FORMAT.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return false;
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  // Bounds: a row from elsewhere must not make this machine work or allocate for ever.
  if (cost.ln < 10 || cost.ln > 20 || cost.r < 1 || cost.r > 16 || cost.p < 1 || cost.p > 16) return false;
  return timingSafeEqual(
    await derive(password, Buffer.from(salt, "base64"), cost),
    Buffer.from(hash, "base64"),
  );
}

function derive(password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    // NFC: the same password typed on another keyboard or system is the same bytes.
    scrypt(password.normalize("NFC"), salt, HASH_BYTES, { N, r, p, maxmem: 256 * N * r }, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}

const text = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/u, "");
