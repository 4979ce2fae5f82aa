export { ask } from "./ask.ts";
export { type ChannelConfig, createChannels } from "./channels.ts";
export { createDiscord, createSlack, createTelegram } from "./chats.ts";
export { createEmail } from "./email.ts";
export { createWebhook, webhookHeaders } from "./webhook.ts";
