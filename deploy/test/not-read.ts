import { type Reader, settingOf } from "@stakebts/core/config/settings";

/** Names in an environment that are no setting, or one that the reader does not read. `NAME_FILE` is the file of one. */
export const notRead = (reader: Reader, environment: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.keys(environment).filter((name) => {
    const setting = settingOf(name) ?? settingOf(name.replace(/_FILE$/u, ""));
    return setting?.readers.includes(reader) !== true;
  });
