import type { HostClock } from "@stakebts/kernel/clock";
import type { ChannelSetting, Send } from "./channel.ts";
import { DISCORD } from "./channels/discord.ts";
import { EMAIL } from "./channels/email.ts";
import { SLACK } from "./channels/slack.ts";
import { TELEGRAM } from "./channels/telegram.ts";
import { WEBHOOK } from "./channels/webhook.ts";

/** The channels there are, in the order in which documents list them. */
const CHANNELS = [WEBHOOK, EMAIL, TELEGRAM, DISCORD, SLACK] as const;

type AnyChannel = (typeof CHANNELS)[number];
export type ChannelName = AnyChannel["name"];
type SettingsOf<C> = C extends { readonly settings: infer S } ? keyof S & string : never;
export type ChannelSettingName = SettingsOf<AnyChannel>;

export const CHANNEL_NAMES: readonly ChannelName[] = CHANNELS.map(({ name }) => name);

/** For each channel the names of its settings: all of them are given, or none. */
export const CHANNEL_GROUPS = CHANNELS.map(
  ({ settings }) => Object.keys(settings) as ChannelSettingName[],
) as readonly (readonly ChannelSettingName[])[];

/** What the table of settings takes over. */
export const CHANNEL_SETTINGS = Object.assign({}, ...CHANNELS.map(({ settings }) => settings)) as Readonly<
  Record<ChannelSettingName, ChannelSetting>
>;

export interface NotificationChannel {
  readonly name: ChannelName;
  readonly send: Send;
}

/** The channels that are configured. */
export function createChannels(
  config: Readonly<Partial<Record<ChannelSettingName, string | undefined>>>,
  clock: Pick<HostClock, "nowMs">,
): readonly NotificationChannel[] {
  return CHANNELS.flatMap((channel: OpenChannel & { readonly name: ChannelName }) => {
    const given = Object.entries(config).filter(
      (entry): entry is [string, string] => entry[0] in channel.settings && entry[1] !== undefined,
    );
    if (given.length < Object.keys(channel.settings).length) return [];
    return [{ name: channel.name, send: channel.open(Object.fromEntries(given), clock) }];
  });
}

/** A channel of which it is not known which settings it has: `createChannels` gives it those that it declares. */
interface OpenChannel {
  readonly settings: Readonly<Record<string, ChannelSetting>>;
  open(config: Readonly<Record<string, string>>, clock: Pick<HostClock, "nowMs">): Send;
}
