// What the lock file and the package.json files have to be, so that everybody installs the same bytes.

export interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

export interface LockedPackage extends Manifest {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly hasInstallScript?: boolean;
}

export interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/u;
const KINDS = ["dependencies", "devDependencies", "optionalDependencies"] as const;

/** Name of a package at a place in the lock: `node_modules/a/node_modules/@b/c` is `@b/c`. */
export const nameAt = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + 13);

/** Another operating system or processor: the registry of a mirror may not have it, and it is not installed here. */
const isOfOnePlatform = ({ optional, os, cpu }: LockedPackage): boolean =>
  optional === true && (os !== undefined || cpu !== undefined);

/**
 * @param manifests by folder as the lock names it: `""` for the root
 * @param installed whether a place of the lock is there on this machine
 */
export function lockProblems(
  lock: Lock,
  manifests: ReadonlyMap<string, Manifest>,
  installed: (path: string) => boolean,
): readonly string[] {
  if (lock.lockfileVersion !== 3) return [`lockfileVersion is ${lock.lockfileVersion} and has to be 3`];
  const problems: string[] = [];
  const workspaces = new Set([...manifests.values()].map(({ name }) => name));
  for (const [folder, manifest] of manifests) {
    const where = folder === "" ? "package.json" : `${folder}/package.json`;
    const locked = lock.packages[folder];
    for (const kind of KINDS) {
      for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
        if (workspaces.has(name)) continue;
        if (!EXACT.test(version))
          problems.push(`${where}: ${name} is "${version}" and not one exact version`);
        const found =
          lock.packages[`${folder}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`];
        if (found?.version !== version)
          problems.push(`${where}: ${name} is ${version}, and ${found?.version ?? "nothing"} in the lock`);
      }
      if (canonical(locked?.[kind]) !== canonical(manifest[kind]))
        problems.push(`${where}: its ${kind} are not those of the lock: npm install`);
    }
  }
  const allowed = manifests.get("")?.allowScripts ?? {};
  for (const [name, isAllowed] of Object.entries(allowed))
    if (isAllowed) problems.push(`package.json: the install scripts of ${name} are allowed`);
  for (const [path, locked] of Object.entries(lock.packages)) {
    if (!path.includes("node_modules/") || locked.link === true) continue;
    const what = `package-lock.json: ${path}`;
    if (!EXACT.test(locked.version ?? "")) problems.push(`${what} has no exact version`);
    if (locked.resolved !== undefined) problems.push(`${what} is tied to ${new URL(locked.resolved).host}`);
    const isHashed = /^sha512-[A-Za-z0-9+/]{86}==$/u.test(locked.integrity ?? "");
    if (!isHashed && (!isOfOnePlatform(locked) || installed(path)))
      problems.push(`${what} has no integrity (SHA-512)`);
    if (locked.hasInstallScript === true && allowed[nameAt(path)] === undefined)
      problems.push(`${what} has install scripts, and package.json does not deny them (allowScripts)`);
  }
  return problems;
}

const canonical = (dependencies: Readonly<Record<string, string>> = {}): string =>
  JSON.stringify(Object.entries(dependencies).toSorted(([a], [b]) => (a < b ? -1 : 1)));
