import { PROCESS_SETTINGS, type ProcessName } from "./process-settings.ts";
import { type Reader, SETTING_NAMES, type Setting, SETTINGS } from "./settings.ts";

/** A setting in words, as the command line and the documents list it. */
export interface SettingDescription {
  /** `STAKEBTS_EXCHANGE_n_KEY` for the three that differ in their number alone. */
  readonly name: string;
  readonly group: Setting["group"];
  readonly readers: readonly Reader[];
  readonly secret: boolean;
  /** `undefined`: a process does not start without it. */
  readonly optional: boolean;
  /** What holds without it. Markdown. */
  readonly otherwise: string;
  /** Markdown. */
  readonly sentence: string;
  readonly example: string;
}

export function describeSettings(): readonly SettingDescription[] {
  const described = SETTING_NAMES.map((name) => describe(name, SETTINGS[name]));
  const seen = new Set<string>();
  return described.filter(({ name }) => !seen.has(name) && seen.add(name));
}

function describe(name: string, setting: Setting): SettingDescription {
  const { group, readers, secret, sentence, example } = setting;
  const withoutIt = setting.schema.safeParse(undefined);
  return {
    name: name.replace(/_\d_/u, "_n_"),
    group,
    readers,
    secret,
    optional: withoutIt.success,
    otherwise: withoutIt.success ? (setting.otherwise ?? inWords(withoutIt.data)) : required(setting),
    sentence,
    example,
  };
}

const isProcess = (reader: Reader): reader is ProcessName => reader in PROCESS_SETTINGS;

/** What a process does not start without, a command of the command line may well do without. */
function required({ readers, optionalFor = [] }: Setting): string {
  const all = readers.filter(isProcess);
  const those = all.filter((reader) => !optionalFor.includes(reader));
  return those.length === all.length ? "required" : `required by ${those.join(", ")}`;
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : `\`${value.join(",")}\``;
  return typeof value === "string" || typeof value === "number" ? `\`${value}\`` : "none";
}
