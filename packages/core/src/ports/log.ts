export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>;

/**
 * `log.info("withdrawal.confirmed", { payoutId, txid })`: a stable event name, then ids and units. Never a key, a seed
 * or a decrypted memo.
 * debug: per block; info: a state moved; warn: we will try again; error: a person must look.
 */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
