import type { Message } from "./channel.ts";

// Chats take one POST each. The libraries there are bring a bot's framework, a second HTTP client and retries of their own
// for these few lines; retries are the outbox's, and it must not be found out twice which errors hold the address.

/** The shortest limit of the chats is Discord's, 2000 characters. */
const TEXT_MAX = 1_900;

/** The message as the plain text of a chat. */
export const chatText = ({ title, text }: Message): string => `${title}\n${text}`.slice(0, TEXT_MAX);
