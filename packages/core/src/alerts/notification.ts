import type { Millis } from "@stakebts/kernel/time";
import { column, type Columns } from "../operators/columns.ts";
import type { Message } from "./channel.ts";
import type { ChannelName } from "./channels.ts";

// How people hear of what asks for them.

/** A receipt that asks for a person. */
export interface Alert {
  readonly receiptId: bigint;
  readonly event: string;
  readonly subject: string;
  readonly chainTimeMs: Millis | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A message that is to be sent by one channel, taken by one sender for a while. */
export interface TakenNotification {
  readonly id: bigint;
  readonly channel: ChannelName;
  readonly message: Message;
  /** This one included. */
  readonly attempts: number;
  readonly createdAtMs: number;
}

/** A line waits until it is sent, or until its channel has failed too often. */
export const NOTIFICATION_STATUSES = ["waiting", "sent", "given_up"] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

export interface NotificationLine {
  readonly id: bigint;
  readonly channel: ChannelName;
  readonly event: string;
  readonly title: string;
  readonly status: NotificationStatus;
  readonly attempts: number;
  readonly problem: string | undefined;
  readonly sentAtMs: number | undefined;
  readonly createdAtMs: number;
}

/** What was told of late, to decide what is news. */
export interface RecentNotification {
  /** Host time of the last message about an event. */
  readonly lastMessageMs: ReadonlyMap<string, number>;
  /** Names of alerts that were told (see `alertName`). */
  readonly told: ReadonlySet<string>;
}

/** Of an alert: what it is about, and what it says about it. The same again is no news. */
export interface AlertName {
  readonly event: string;
  readonly subject: string;
  /** SHA-256 of the details, hexadecimal. */
  readonly digest: string;
}

/** What becomes of alerts: those that are neither told nor passed over are looked at again. */
export interface NotificationPlan {
  readonly messages: readonly Message[];
  readonly dealtWith: readonly (AlertName & {
    readonly receiptId: bigint;
    /** `undefined`: passed over. */
    readonly messageId: string | undefined;
  })[];
}

export interface NotificationStore {
  /**
   * Writes down what is to be told. One caller at a time, the others do nothing.
   * @param tellSinceMs alerts from before are history; `toldSinceMs` how far back `plan` hears of what was told
   */
  gather(
    request: {
      readonly events: readonly string[];
      readonly channels: readonly ChannelName[];
      readonly nowMs: number;
      readonly tellSinceMs: number;
      readonly toldSinceMs: number;
      readonly limitPerEvent: number;
    },
    plan: (alerts: readonly Alert[], lately: RecentNotification) => NotificationPlan,
  ): Promise<readonly Message[]>;
  /** Messages that are due, oldest first; each caller gets others, and has them for itself until `leaseMs` have passed. */
  take(request: {
    readonly channels: readonly ChannelName[];
    readonly nowMs: number;
    readonly leaseMs: number;
    readonly limit: number;
  }): Promise<readonly TakenNotification[]>;
  sent(id: bigint, nowMs: number): Promise<void>;
  failed(
    id: bigint,
    failure: { readonly problem: string; readonly againAtMs: number | undefined },
  ): Promise<void>;
  /** Newest first. */
  list(limit: number | undefined): Promise<readonly NotificationLine[]>;
  /** How many wait, and since when the oldest does; how many of the last two days were given up. */
  backlog(nowMs: number): Promise<{
    readonly waiting: number;
    readonly oldestWaitingMs: number | undefined;
    readonly givenUp: number;
  }>;
  close(): Promise<void>;
}

/** The list of notifications that operators see. */
export const NOTIFICATIONS = {
  written: column.time("Written (UTC)", ({ createdAtMs }) => createdAtMs),
  channel: column.text("Channel", ({ channel }) => channel),
  status: column.state(
    "Status",
    ({ status }) => status,
    ({ status }) => (status === "given_up" ? "bad" : undefined),
  ),
  tries: column.number("Tries", ({ attempts }) => attempts),
  message: column.text("Message", ({ title }) => title),
  problem: column.text("Problem", ({ problem }) => problem),
} as const satisfies Columns<NotificationLine>;
