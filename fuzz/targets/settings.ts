import { PROCESS_SETTINGS, type ProcessName } from "@stakebts/core/config/process-settings";
import { readEnvironment, shown } from "@stakebts/core/config/environment";
import { StartupError } from "@stakebts/kernel/errors";
import { wifFromSeed } from "@stakebts/devnet";
import { HOSTILE_TEXTS, longText, mutateText } from "../mutate.ts";
import { type Input, rule, type Target } from "../target.ts";

/** In every secret there is this word: where it turns up, a secret was told. */
const SECRET_WORD = "fuzzsecret";

const VALID: Readonly<Record<string, string>> = {
  DATABASE_URL: `postgresql://user:${SECRET_WORD}@host:5432/stakebts`,
  REDIS_URL: `redis://:${SECRET_WORD}@host:6379`,
  STAKEBTS_NODES: `wss://user:${SECRET_WORD}@one.example/ws,wss://two.example/ws`,
  STAKEBTS_NODE_QUORUM: "2",
  STAKEBTS_CHAIN_ID: "11".repeat(32),
  STAKEBTS_CUSTODIAN: "bitsharesmanagement.group",
  STAKEBTS_ACTIVE_KEY: wifFromSeed("fuzz-custodian-active"),
  STAKEBTS_MEMO_KEY: wifFromSeed("fuzz-custodian-memo"),
  STAKEBTS_PAYMENTS: "off",
  STAKEBTS_REPLAY: "current",
  STAKEBTS_SKIP_BLOCKS: "1,2,3",
  STAKEBTS_EXCHANGE_ACCOUNTS: "bittrex-deposit,other",
  STAKEBTS_EXCHANGE_1_KEY: `${SECRET_WORD}-key`,
  STAKEBTS_EXCHANGE_1_SECRET: `${SECRET_WORD}-secret`,
  STAKEBTS_EXCHANGE_1_DEPOSIT_MEMO: `${SECRET_WORD}-memo`,
  STAKEBTS_EXCHANGE_URL: "https://api.example.org/v3",
  STAKEBTS_RESERVE_PERMISSION: "1.12.5",
  STAKEBTS_CLOCK_RATE: "1.5",
  STAKEBTS_POLL_MS: "1000",
  STAKEBTS_CONSOLE_ORIGIN: "https://console.example.org",
  STAKEBTS_LIVENESS_URL: `https://user:${SECRET_WORD}@hc.example.org/ping/${SECRET_WORD}`,
  LOG_LEVEL: "info",
};
const NAMES = Object.keys(VALID);
const PROCESSES = Object.keys(PROCESS_SETTINGS) as ProcessName[];

type SettingsInput = {
  readonly process: ProcessName;
  readonly environment: { readonly [name: string]: string };
};

export const settings: Target = {
  name: "settings",
  about: "environment → settings of each process; what is wrong is said, and no secret with it",
  weight: 8,
  open: ({ broken }) => ({
    input(random): SettingsInput {
      const environment: Record<string, string> = {};
      for (const name of NAMES) if (random.chance(0.7)) environment[name] = VALID[name] as string;
      for (let changes = random.int(1, 3); changes > 0; changes--) {
        const name = random.pick(NAMES);
        const valid = VALID[name] as string;
        environment[name] = random.chance(0.1)
          ? random.pick(HOSTILE_TEXTS)
          : random.chance(0.02)
            ? longText(random)
            : mutateText(random, valid);
        // What is left of an address of which nothing shows that it was one, cannot be known to be a secret.
        if (name === "STAKEBTS_NODES" && !environment[name].includes(`${SECRET_WORD}@`))
          delete environment[name];
      }
      return { process: random.pick(PROCESSES), environment };
    },
    run(input) {
      const { process, environment } = input as SettingsInput & Input;
      let said: string;
      try {
        const config = readEnvironment(PROCESS_SETTINGS[process], environment);
        said = JSON.stringify(shown(config));
      } catch (error) {
        if (!(error instanceof StartupError)) throw error;
        said = error.message + (broken === "echoed-secret" ? JSON.stringify(environment) : "");
      }
      rule(!said.includes(SECRET_WORD), "it has told a secret");
      for (const name of ["STAKEBTS_ACTIVE_KEY", "STAKEBTS_MEMO_KEY"]) {
        const key = environment[name];
        rule(key === undefined || key.length < 20 || !said.includes(key), "it has told a private key");
      }
      rule(said.length < 20_000, "a message of thousands of characters");
    },
  }),
};
