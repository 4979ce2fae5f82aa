import * as z from "zod";
import { distinctNodes, majorityOf } from "@stakebts/bitshares/node-address";
import { CHANNEL_GROUPS } from "../alerts/channels.ts";
import { EXCHANGE_ACCOUNTS } from "../rules/request.ts";
import type { SettingName } from "./settings.ts";

// What no setting can check alone. A relation holds for every schema that has all of its settings. It is checked even when
// another setting is wrong, so that every mistake is named at once.

interface Relation {
  readonly names: readonly SettingName[];
  readonly check: z.core.$ZodCheck<never>;
}

/**
 * Nothing is believed that a minority of the configured nodes says, and nothing at all on the word of one: unless it is said
 * in so many words. A node counts once, however often and in however many spellings it is named.
 */
const quorum: Relation = {
  names: ["STAKEBTS_NODES", "STAKEBTS_NODE_QUORUM", "STAKEBTS_TRUST_ONE_NODE"],
  check: z.superRefine<{
    STAKEBTS_NODES: string[];
    STAKEBTS_NODE_QUORUM?: number | undefined;
    STAKEBTS_TRUST_ONE_NODE: "on" | "off";
  }>(
    (config, context) => {
      const refuse = (name: SettingName, message: string) =>
        context.addIssue({ code: "custom", path: [name], message });
      const count = distinctNodes(config.STAKEBTS_NODES).length;
      if (count === 1 && config.STAKEBTS_TRUST_ONE_NODE !== "on")
        refuse(
          "STAKEBTS_NODES",
          "expected several different nodes, three of different owners: one that lies could take all funds. For a test network, or a node of your own, set STAKEBTS_TRUST_ONE_NODE=on",
        );
      const asked = config.STAKEBTS_NODE_QUORUM;
      if (asked === undefined) return;
      const majority = majorityOf(config.STAKEBTS_NODES);
      if (asked > count)
        refuse(
          "STAKEBTS_NODE_QUORUM",
          `expected at most ${count}, the number of different nodes in STAKEBTS_NODES`,
        );
      else if (asked < majority)
        refuse(
          "STAKEBTS_NODE_QUORUM",
          `expected at least ${majority}, more than half of the ${count} nodes in STAKEBTS_NODES`,
        );
    },
    {
      when: ({ issues }) =>
        !issues.some(({ path }) => (quorum.names as readonly unknown[]).includes(path?.[0])),
    },
  ),
};

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/u;

/** Beyond this machine a console has to know its own name, or it could not tell its pages from those of others. */
const consoleOrigin: Relation = {
  names: ["STAKEBTS_CONSOLE_HOST", "STAKEBTS_CONSOLE_ORIGIN"],
  check: z.refine<{ STAKEBTS_CONSOLE_HOST: string; STAKEBTS_CONSOLE_ORIGIN?: string | undefined }>(
    (config) => LOOPBACK.test(config.STAKEBTS_CONSOLE_HOST) || config.STAKEBTS_CONSOLE_ORIGIN !== undefined,
    {
      path: ["STAKEBTS_CONSOLE_ORIGIN"],
      error:
        "STAKEBTS_CONSOLE_HOST is not this machine alone: expected how browsers see the console, such as https://console.example.org",
      when: ({ issues }) =>
        !issues.some(({ path }) => String(path?.[0] ?? "").startsWith("STAKEBTS_CONSOLE_")),
    },
  ),
};

/** All of them, or none: half of a key or of a channel is a mistake. */
const together = (names: readonly SettingName[]): Relation => ({
  names,
  check: z.superRefine<Readonly<Record<string, unknown>>>(
    (config, context) => {
      const given = names.find((name) => config[name] !== undefined);
      if (given === undefined) return;
      for (const name of names)
        if (config[name] === undefined)
          context.addIssue({ code: "custom", path: [name], message: `expected together with ${given}` });
    },
    { when: () => true },
  ),
});

/** The reserve is an account and one of two ways to get at its funds: its key, or its permission to draw. */
const reserve: Relation = {
  names: ["STAKEBTS_RESERVE_ACCOUNT", "STAKEBTS_RESERVE_KEY", "STAKEBTS_RESERVE_PERMISSION"],
  check: z.superRefine<Readonly<Record<string, unknown>>>(
    (config, context) => {
      const ways = (["STAKEBTS_RESERVE_KEY", "STAKEBTS_RESERVE_PERMISSION"] as const).filter(
        (name) => config[name] !== undefined,
      );
      const refuse = (name: SettingName, message: string) =>
        context.addIssue({ code: "custom", path: [name], message });
      if (ways.length === 2)
        refuse(
          "STAKEBTS_RESERVE_PERMISSION",
          "expected this or STAKEBTS_RESERVE_KEY: who holds the key needs no permission",
        );
      else if (config["STAKEBTS_RESERVE_ACCOUNT"] === undefined && ways[0] !== undefined)
        refuse("STAKEBTS_RESERVE_ACCOUNT", `expected together with ${ways[0]}`);
      else if (config["STAKEBTS_RESERVE_ACCOUNT"] !== undefined && ways.length === 0)
        refuse(
          "STAKEBTS_RESERVE_KEY",
          "expected together with STAKEBTS_RESERVE_ACCOUNT, or STAKEBTS_RESERVE_PERMISSION in its place",
        );
    },
    { when: () => true },
  ),
};

export const RELATIONS: readonly Relation[] = [
  quorum,
  consoleOrigin,
  reserve,
  ...EXCHANGE_ACCOUNTS.map((number) =>
    together([`STAKEBTS_EXCHANGE_${number}_KEY`, `STAKEBTS_EXCHANGE_${number}_SECRET`]),
  ),
  ...CHANNEL_GROUPS.map(together),
];
