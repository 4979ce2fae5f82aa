import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongFilesFirst } from "./test/long-files-first.ts";

/** What is long by nature runs when the rest is done. One cluster takes half a gigabyte. */
const LONG = { maxWorkers: 3, sequence: { groupOrder: 1 }, testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    // One process runs many files, which loads the libraries once: loading them for each took longer than most tests. No file
    // leaves anything behind in a module or a global; a spy goes with its test.
    isolate: false,
    restoreMocks: true,
    // A test waits for events; this ends one that waits for nothing, also on a machine that is busy with other work.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Tests with a database or with processes wait for them half of the time: one worker more than cores keeps these busy. All
    // projects but `long` run beside each other, so that none waits for the last file of another.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongFilesFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: [
            "{apps,packages}/*/{src,test}/**/*.test.ts",
            "{chaos,demo,deploy,docs,fuzz,scripts,test}/**/*.test.ts",
          ],
          exclude: ["**/*.db.test.ts", "**/*.long.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "db",
          include: ["{apps,packages}/*/{src,test}/**/*.db.test.ts", "{test,chaos}/**/*.db.test.ts"],
          globalSetup: ["./packages/testkit/src/servers.setup.ts"], // here and not above: with extends it would run once per project
        },
      },
      {
        extends: true,
        test: {
          ...LONG,
          name: "long", // by nature: processes, whole clusters and what may go wrong with them, upgrades, all services of the compose file
          include: ["test/long/**/*.long.test.ts"],
          globalSetup: ["./packages/testkit/src/redis.setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          ...LONG,
          name: "long-db", // a whole ledger made again, backed up, taken over or flooded; processes and servers that stand still
          include: ["{apps,packages}/*/{src,test}/**/*.db.long.test.ts"],
          globalSetup: ["./packages/testkit/src/servers.setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          ...LONG,
          name: "long-browser", // the console's pages in a browser
          include: ["apps/console/test/browser/*.long.test.ts"],
          globalSetup: [
            "./packages/testkit/src/servers.setup.ts",
            "./apps/console/test/browser/chromium.setup.ts",
          ],
        },
      },
    ],
  },
});
