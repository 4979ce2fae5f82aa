import { settingsReadBy } from "@stakebts/core/config/process-settings";
import { expect, it } from "vitest";
import { SETTINGS } from "./config.ts";

/** Read where they are needed, and not by a schema. */
const ELSEWHERE = [
  "STAKEBTS_KEYSTORE", // readEnvironment, for the keys
  "STAKEBTS_KEYSTORE_PASSWORD",
  "STAKEBTS_ACTOR", // actorOf
  "STAKEBTS_BACKUP_DIR", // `backup --dir`
  "STAKEBTS_PG_DUMP", // core/backups/pg-tools.ts
];

it("the command line reads the settings that the table says, and no others", () => {
  const read = new Set(Object.values(SETTINGS).flatMap((schema) => Object.keys(schema.shape)));
  expect([...read, ...ELSEWHERE].toSorted()).toEqual(settingsReadBy("stakebts").toSorted());
});
