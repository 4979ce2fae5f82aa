import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { CHANNEL_NAMES, type ChannelName, createChannels } from "@stakebts/core/alerts/channels";
import { testMessage } from "@stakebts/core/alerts/message";
import { NOTIFICATIONS } from "@stakebts/core/alerts/notification";
import { createNotificationStore } from "@stakebts/core/alerts/postgres-notifications";
import { plainText } from "@stakebts/kernel/plain-text";
import { readSettings } from "../config.ts";
import type { Run } from "../context.ts";
import { EXIT, UsageError } from "../exit.ts";
import { examples, jsonOption, limitOption, windowOf } from "../options.ts";
import { printJson, printTable } from "../print.ts";

export function addNotify(program: Command, run: Run): void {
  const notify = program
    .command("notify")
    .description("Messages to people about what asks for them: which were sent, and does each channel work?");
  notify
    .command("test")
    .description("Send one message to each channel that is configured, and say whether it was taken.")
    .addOption(new Option("--channel <name>", "to this one only").choices(CHANNEL_NAMES))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["notify test --settings scheduler.env", "with the settings that the scheduler has"],
        ["notify test --channel telegram", "one of them"],
      ),
    )
    .action(
      run(async ({ terminal, environment, clock }, options: { channel?: ChannelName; json: boolean }) => {
        const config = readSettings("notify", environment);
        const channels = createChannels(config, clock).filter(
          ({ name }) => options.channel === undefined || options.channel === name,
        );
        if (channels.length === 0)
          throw new UsageError(
            options.channel === undefined
              ? "no channel is configured: the STAKEBTS_NOTIFY_… settings name them (docs/monitoring.md)"
              : `the channel ${options.channel} is not configured (docs/monitoring.md)`,
          );
        const message = testMessage({ id: randomUUID(), installation: config.STAKEBTS_NOTIFY_NAME });
        const outcomes = await Promise.all(
          channels.map(async (channel) => ({ channel: channel.name, ...(await channel.send(message)) })),
        );
        if (options.json) printJson(terminal, { messageId: message.id, outcomes });
        else
          for (const outcome of outcomes)
            terminal.out(
              outcome.ok
                ? `${terminal.paint("green", "taken")}     ${outcome.channel}`
                : `${terminal.paint("red", "problem")}   ${outcome.channel}: ${plainText(outcome.problem)}`,
            );
        return outcomes.every(({ ok }) => ok) ? EXIT.ok : EXIT.no;
      }),
    );
  notify
    .command("list")
    .description(
      "The last messages, newest first: what was said, by which channel, and whether it was taken.",
    )
    .addOption(limitOption())
    .addOption(jsonOption())
    .addHelpText("after", examples(["notify list --limit 10", "what have people been told of lately?"]))
    .action(
      run(async ({ terminal, environment }, options: { limit: number; json: boolean }) => {
        const store = createNotificationStore({ url: readSettings("database", environment).DATABASE_URL });
        try {
          const lines = await store.list(windowOf({ ...options, offset: 0 }).limit);
          if (options.json) printJson(terminal, { notifications: lines });
          else if (lines.length === 0) terminal.note("no message was written yet");
          else printTable(terminal, NOTIFICATIONS, lines);
          return EXIT.ok;
        } finally {
          await store.close();
        }
      }),
    );
}
