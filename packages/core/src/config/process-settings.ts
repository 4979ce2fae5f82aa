import * as z from "zod";
import { RELATIONS } from "./setting-relations.ts";
import { type Reader, SETTING_NAMES, type SettingName, SETTINGS, settingOf } from "./settings.ts";

// What each process reads from its environment, as the table of settings says.

type Table = typeof SETTINGS;
export type SettingReadBy<R extends Reader> = {
  [N in SettingName]: R extends Table[N]["readers"][number] ? N : never;
}[SettingName];

type SchemaFor<R extends Reader, N extends SettingName> = Table[N] extends {
  readonly optionalFor: readonly (infer O)[];
}
  ? R extends O
    ? z.ZodOptional<Table[N]["schema"]>
    : Table[N]["schema"]
  : Table[N]["schema"];

type SchemaOf<R extends Reader, N extends SettingName> = z.ZodObject<{ [K in N]: SchemaFor<R, K> }>;

/** The schema of some of the settings that a reader reads, with the relations between those that are among them. */
export function schemaOf<R extends Reader, const N extends SettingReadBy<R>>(
  reader: R,
  names: readonly N[],
): SchemaOf<R, N> {
  const shape = Object.fromEntries(
    names.map((name) => {
      const { schema, optionalFor = [] } = settingOf(name)!;
      return [name, optionalFor.includes(reader) ? z.optional(schema) : schema];
    }),
  );
  const checks = RELATIONS.filter((relation) => relation.names.every((name) => name in shape)).map(
    ({ check }) => check as z.core.$ZodCheck<unknown>,
  );
  return z.object(shape).check(...checks) as unknown as SchemaOf<R, N>;
}

export const settingsReadBy = <R extends Reader>(reader: R): readonly SettingReadBy<R>[] =>
  SETTING_NAMES.filter((name): name is SettingReadBy<R> & SettingName =>
    (SETTINGS[name].readers as readonly Reader[]).includes(reader),
  );

const all = <R extends Reader>(reader: R) => schemaOf(reader, settingsReadBy(reader));

export const PROCESS_SETTINGS = {
  ingester: all("ingester"),
  scheduler: all("scheduler"),
  payer: all("payer"),
  watcher: all("watcher"),
  console: all("console"),
} as const;
export type ProcessName = keyof typeof PROCESS_SETTINGS;
