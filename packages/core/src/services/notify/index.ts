export { messageAbout, testMessage } from "./message.ts";
export { planMessages, REPEAT_MS, WINDOW_MS } from "./plan-messages.ts";
export { type TellDeps, tellPeople } from "./tell-people.ts";
