/** What an operator's node can do to a client on a bad day. All can be switched while the node runs. */
export interface DevnetFaults {
  /** The next `count` broadcasts are accepted, and then the socket is closed without a reply. */
  dropReplyAfterAccept(count: number): void;
  delayRepliesMs(ms: number): void;
  /** New connections are cut at once; open ones stay. */
  refuseConnections(on: boolean): void;
  disconnectAll(): void;
  /** Cuts all connections, and the pending transactions are lost. */
  restart(): void;
  /** Frames are taken and never answered; no notices either. */
  freeze(on: boolean): void;
  /** Serves the chain as it was `blocks` blocks ago; 0 ends it. */
  lagBlocks(blocks: number): void;
  /** The next `count` broadcasts are answered with null, but the transaction is lost. */
  swallowBroadcasts(count: number): void;
  /** Every broadcast is refused with this text as the author's message of an assertion; `null` ends it. */
  refuseBroadcasts(message: string | null): void;
  /**
   * A client, all of its connections together, has so many requests in any second. One more is refused with an error, or
   * ends the connection; `null` ends it.
   */
  limitRequests(limit: RequestLimit | null): void;
  /** Replies to requests that arrived together come back in the opposite order. */
  reorderReplies(on: boolean): void;
  /** Results pass through this function before they are sent; `null` ends it. */
  lie(mutate: ((method: string, result: unknown) => unknown) | null): void;
}

export interface RequestLimit {
  readonly perSecond: number;
  readonly by: "closing" | "refusing";
}

/** The switches as the server reads them. */
export class FaultSwitches {
  dropReplies = 0;
  delayMs = 0;
  refusing = false;
  frozen = false;
  swallow = 0;
  refusal: string | null = null;
  reorder = false;
  limit: RequestLimit | null = null;
  mutate: ((method: string, result: unknown) => unknown) | null = null;
}

/** Takes one of the remaining times, if there is one. */
export function takeOne(switches: FaultSwitches, name: "dropReplies" | "swallow"): boolean {
  if (switches[name] <= 0) return false;
  switches[name]--;
  return true;
}
