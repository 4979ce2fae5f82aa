// Where the console shows each thing: the console's own links, and those that the command line prints behind its address.

export const pathTo = {
  nominator: (name: string): string => `/nominators/${encodeURIComponent(name)}`,
  /** @param key or id */
  payout: (key: string): string => `/payouts/${key}`,
  agreement: (operation: string): string => `/agreements/${operation}`,
  transfer: (operation: string): string => `/transfers/${operation}`,
  block: (blockNum: number): string => `/blocks/${blockNum}`,
  transaction: (txid: string): string => `/transactions/${txid}`,
  topUp: (key: string): string => `/top-ups/${key}`,
} as const;
