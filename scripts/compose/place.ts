import type { ComposeFile, Service } from "./compose-file.ts";

/** Where the processes find each other and their files when all of them run on this machine. */
export interface Place {
  /** The port of this machine in the place of one of a service's own. */
  portOf(service: string, replica: number, port: number): number;
  /** The folder in the place of a volume, and the file or folder in the place of a path of the repository. */
  volume(name: string): string;
  path(source: string): string;
  /** The file with a secret, rewritten for this machine. */
  secret(name: string): string;
}

/** Says what a text of a service would say if its container were this machine: names, ports and paths, and nothing else. */
export function rewriter(
  { services }: Pick<ComposeFile, "services">,
  place: Place,
  { service, replica }: { service: Service; replica: number },
): { readonly environment: (value: string) => string; readonly argument: (value: string) => string } {
  const paths: (readonly [string, string])[] = [
    ...service.secrets.map((name) => [`/run/secrets/${name}`, place.secret(name)] as const),
    ...service.mounts.map(
      ({ source, target }) =>
        [target, /^[./]/u.test(source) ? place.path(source) : place.volume(source)] as const,
    ),
  ];
  // The longest first: /data/one is not /data.
  paths.sort(([a], [b]) => b.length - a.length);
  const own = (port: string): string =>
    service.exposed.includes(Number(port)) ? String(place.portOf(service.name, replica, Number(port))) : port;

  const environment = (value: string): string => {
    if (value === "0.0.0.0") return "127.0.0.1";
    if (/^\d+$/u.test(value)) return own(value);
    return neighbours(services, place, replacePaths(value, paths)).replace(
      /\b(127\.0\.0\.1|localhost|0\.0\.0\.0):(\d+)/gu,
      (_, _host: string, port: string) => `127.0.0.1:${own(port)}`,
    );
  };
  // In a command a port may stand anywhere.
  const argument = (value: string): string =>
    value.startsWith("/")
      ? environment(value)
      : environment(value).replace(/(?<![\w.:])\d{2,5}\b(?!\.)/gu, own);
  return { environment, argument };
}

/** `service:port` is the first replica of that service. */
export const neighbours = (services: ComposeFile["services"], place: Place, text: string): string =>
  text.replace(/(?<![\w.-])([a-z][a-z-]*):(\d+)\b/gu, (found, name: string, port: string) =>
    services.get(name)?.exposed.includes(Number(port)) === true
      ? `127.0.0.1:${place.portOf(name, 1, Number(port))}`
      : found,
  );

/** Also in the middle of a text, as in a command of a shell. */
const replacePaths = (text: string, paths: readonly (readonly [string, string])[]): string => {
  const found = paths.map(([from]) => from.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`)).join("|");
  const places = new Map(paths);
  return found === ""
    ? text
    : text.replace(
        new RegExp(`(?<![\\w./-])(?:${found})(?![\\w.-])`, "gu"),
        (from) => places.get(from) ?? from,
      );
};
