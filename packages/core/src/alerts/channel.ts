import type { HostClock } from "@stakebts/kernel/clock";
import type { z } from "zod";

// One way by which messages reach people. A channel is a file in `channels/` and a line in `channels.ts`; its settings, their
// documents and the checks on them follow from what it declares.

/** What a channel is given to say. Everything in it may be read by everyone who reads the channel. */
export interface Message {
  /** The same however often it is sent: receivers tell repetitions by it. UUID. */
  readonly id: string;
  /** Event of the receipts it is about, `payout.failed`; or `notification.test`. */
  readonly event: string;
  /** How many receipts it is about. */
  readonly count: number;
  /** One line, without line breaks. */
  readonly title: string;
  /** Plain text. */
  readonly text: string;
  /** The first few of them. */
  readonly items: readonly MessageItem[];
}

export interface MessageItem {
  readonly subject: string;
  readonly chainTimeMs?: number;
  readonly reason?: string;
  readonly todo?: string;
}

/** `problem` says why in a few words, and never an address, a password or a token. */
export type SendOutcome = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/** Never throws for what a receiver does, and ends within half a minute. */
export type Send = (message: Message) => Promise<SendOutcome>;

/** A setting of a channel, as it stands in the table of all settings. */
export interface ChannelSetting {
  /** A channel is on when each of its settings is given: none has a default. */
  readonly schema: z.ZodType<string>;
  readonly secret: boolean;
  readonly sentence: string;
  readonly example: string;
}

export interface Channel<N extends string, S extends Readonly<Record<string, ChannelSetting>>> {
  readonly name: N;
  readonly settings: S;
  /** @param config the values of its settings, all of them given and right */
  open(config: { readonly [K in keyof S]: string }, clock: Pick<HostClock, "nowMs">): Send;
}

export const defineChannel = <
  const N extends string,
  S extends Readonly<Record<`STAKEBTS_NOTIFY_${string}`, ChannelSetting>>,
>(
  channel: Channel<N, S>,
): Channel<N, S> => channel;
