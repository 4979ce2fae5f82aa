import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { keystorePublicKeys, KeystoreError, openKeystore, encryptKeystore } from "./keystore.ts";
import { publicKeyFromWif } from "@stakebts/bitshares/keys";

// The key of the developers' examples ("nathan"), known to everybody.
const WIF = "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3";
const PASSWORD = "correct horse battery staple";
/** The least that is read back. */
const N_MIN = 16_384;
const sealed = encryptKeystore({ active: WIF, memo: [WIF] }, PASSWORD, N_MIN);
interface File {
  version: number;
  active: string | null;
  memo: string[];
  kdf: { n: number; r: number };
  cipher: { tag: string };
  ciphertext: string;
}
const change = (edit: (file: File) => void): string => {
  const file = JSON.parse(sealed) as File;
  edit(file);
  return JSON.stringify(file);
};

describe("a keystore", () => {
  it("gives back the keys for the password, however its letters are composed", () => {
    expect(openKeystore(sealed, PASSWORD)).toEqual({ active: WIF, memo: [WIF] });
    // The only one here at its full cost.
    const accented = encryptKeystore({ memo: [WIF] }, "caf\u00E9 caf\u00E9");
    expect(openKeystore(accented, "cafe\u0301 cafe\u0301")).toEqual({ memo: [WIF] });
    expect((JSON.parse(accented) as File).kdf).toMatchObject({ n: 131_072, r: 8, p: 1 });
  });

  it("names its public keys without the password, and no private one", () => {
    expect(keystorePublicKeys(sealed)).toEqual({
      active: publicKeyFromWif(WIF),
      memo: [publicKeyFromWif(WIF)],
    });
    expect(sealed).not.toContain(WIF);
  });

  it("is another file each time", () => {
    const again = JSON.parse(encryptKeystore({ active: WIF }, PASSWORD, N_MIN)) as { kdf: { salt: string } };
    expect(again.kdf.salt).not.toBe((JSON.parse(sealed) as typeof again).kdf.salt);
  });

  it("stays closed for another password", () => {
    expect(() => openKeystore(sealed, `${PASSWORD} `)).toThrow(KeystoreError);
    expect(() => openKeystore(sealed, "")).toThrow(/does not open/u);
  });

  it("notices any change: of the secret, of the public keys, of the derivation", () => {
    for (const edit of [
      (file: File) => (file.active = null),
      (file: File) => (file.memo = []),
      (file: File) => (file.kdf.n = 2 * N_MIN),
      (file: File) => (file.cipher.tag = "00".repeat(16)),
      (file: File) => (file.ciphertext = `00${file.ciphertext.slice(2)}`),
    ])
      expect(() => openKeystore(change(edit), PASSWORD)).toThrow(/does not open/u);
  });

  it("does not work for ever for a stranger's file", () => {
    for (const edit of [
      (file: File) => (file.kdf.n = 2 ** 30),
      (file: File) => (file.kdf.r = 4_096),
      (file: File) => (file.kdf.n = 2),
    ])
      expect(() => openKeystore(change(edit), PASSWORD)).toThrow(/no keystore: kdf/u);
    expect(() =>
      openKeystore(
        change((file) => (file.version = 7)),
        PASSWORD,
      ),
    ).toThrow(/version 7/u);
  });

  test.prop([fc.oneof(fc.string(), fc.json())])("is told from any other file", (text) => {
    expect(() => keystorePublicKeys(text)).toThrow(KeystoreError);
  });
});
