import { parseArgs } from "node:util";
import { type Break, BREAKS } from "./breaks.ts";
import { type ChaosOptions, isSound, runChaos, summary } from "./run.ts";

const USAGE = `Real processes, PostgreSQL, Redis and nodes with faults, and an audit from the chain alone. See docs/chaos.md.

  npm run chaos -- [--rounds N] [--seed S] [--seconds S] [--calm S] [--log FILE] [--break SAFEGUARD [--expect-caught] | --scenario SAFEGUARD]

  --rounds         how many rounds (default 5); with --break: at most so many
  --seed           of the first round, the others count on; without it one is drawn
  --seconds        how long things go wrong in each round (default 10)
  --calm           seconds in which everything has to be paid afterwards (default 60)
  --break          do without one safeguard, and see it noticed; "all": one after the other:
                   ${BREAKS.map(({ name }) => name).join(", ")}
  --scenario       the trouble of that break, with the safeguard in its place: all has to be well; "all": one after the other
  --log            a file for every line that the workers say
  --expect-caught  end with 0 if, and only if, something was wrong
`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      seed: { type: "string", default: `${Date.now() % 1_000_000_000}` },
      seconds: { type: "string", default: "10" },
      calm: { type: "string", default: "60" },
      break: { type: "string" },
      scenario: { type: "string" },
      log: { type: "string" },
      "expect-caught": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const numbers = [values.rounds, values.seconds, values.calm, values.seed].map(Number);
  const [rounds = 0, faults = 0, calm = 0, seed = 0] = numbers;
  const chosen = values.break ?? values.scenario;
  const without = chosen === "all" ? BREAKS : BREAKS.filter(({ name }) => name === chosen);
  const isNonsense =
    ![rounds, faults, calm].every((count) => Number.isSafeInteger(count) && count > 0) ||
    !Number.isSafeInteger(seed) ||
    seed < 0 ||
    (values.break !== undefined && values.scenario !== undefined) ||
    (chosen !== undefined && without.length === 0);
  if (values.help || isNonsense) return undefined;
  return {
    options: {
      rounds,
      seed,
      faultsMs: faults * 1_000,
      calmMs: calm * 1_000,
      logFile: values.log,
      log,
    },
    without: values.scenario === undefined ? without : without.map(withItsSafeguard),
    expectCaught: values["expect-caught"],
  };
}

/** The same trouble, and nothing taken away: what is caught without the safeguard must be well with it. */
const withItsSafeguard = (without: Break): Break => ({ ...without, patches: [], functions: [], sql: [] });

const log = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Whether all was as it should be, which without a safeguard is: not well. */
async function isAsExpected(
  options: Omit<ChaosOptions, "without">,
  without: Break | undefined,
  expectCaught: boolean,
): Promise<boolean> {
  const { seed } = options;
  log(`seed ${seed}${without === undefined ? "" : `, without ${without.name}`}`);
  const result = await runChaos({ ...options, without });
  log(summary(result));
  const isWell = isSound(result);
  if (!isWell) {
    const command = without === undefined ? "" : ` --break ${without.name}`;
    log(`again: npm run chaos -- --rounds 1 --seed ${seed + result.rounds - 1}${command}`);
  }
  if (expectCaught) log(`${without?.name ?? "nothing"}: ${isWell ? "NOT CAUGHT" : "caught"}`);
  return isWell !== expectCaught;
}

async function main(): Promise<number> {
  const given = readArguments();
  if (given === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { options, without, expectCaught } = given;
  let isWell = true;
  for (const each of without.length === 0 ? [undefined] : without)
    isWell = (await isAsExpected(options, each, expectCaught)) && isWell;
  return isWell ? 0 : 1;
}

process.exit(await main());
