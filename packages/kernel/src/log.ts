export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>;

/**
 * `log.info("withdrawal.signed", { payoutId, txid })`: a stable event name, then ids and units. Never a key, a seed
 * or a decrypted memo.
 * debug: per block; info: a state moved; warn: we will try again; error: a person must look.
 */
export interface Log {
  readonly debug: (event: string, fields?: LogFields) => void;
  readonly info: (event: string, fields?: LogFields) => void;
  readonly warn: (event: string, fields?: LogFields) => void;
  readonly error: (event: string, fields?: LogFields) => void;
}
