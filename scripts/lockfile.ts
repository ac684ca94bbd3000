/**
 * npm leaves an optional package out of the lockfile when the registry did not serve it at that moment, which happens
 * to binaries for other platforms behind a mirror. `npm ci` then refuses the lockfile, on every platform. This finds
 * what is missing, and can add it: without a checksum, but with the version that was asked for.
 */

export interface Locked {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
  readonly [other: string]: unknown;
}

export interface Lockfile {
  packages: Record<string, Locked>;
  readonly [other: string]: unknown;
}

export interface Missing {
  readonly name: string;
  readonly version: string;
  /** Where in the lockfile the package is that asks for it. */
  readonly by: string;
}

/** The optional packages that something in the lockfile asks for and that are not in it. */
export function missingOptional({ packages }: Lockfile): Missing[] {
  return Object.entries(packages).flatMap(([by, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !candidates(by, name).some((place) => place in packages))
      .map(([name, version]) => ({ name, version, by })),
  );
}

/** The places where `name` may be for the package at `by`: as Node looks for it, the nearest first. */
function candidates(by: string, name: string): string[] {
  const parts = by.split(/(?:^|\/)node_modules\//);
  const inside = parts.map((_, at) =>
    parts
      .slice(0, parts.length - at)
      .join('/node_modules/')
      .replace(/^\//, ''),
  );
  return [...new Set([...inside, ''])].map((place) => `${place}${place && '/'}node_modules/${name}`);
}

/** The lockfile with what is missing put in. Only exact versions whose name tells the platform can be. */
export function complete(lockfile: Lockfile): Lockfile {
  const packages = { ...lockfile.packages };
  for (const { name, version, by } of missingOptional(lockfile)) {
    const platform = platformOf(name);
    if (!platform || !/^\d+\.\d+\.\d+\S*$/.test(version))
      throw new Error(`${by} asks for ${name}@${version}: cannot tell what that is`);
    packages[`node_modules/${name}`] = {
      version,
      ...platform,
      ...(packages[by]?.dev ? { dev: true } : {}),
      optional: true,
    };
  }
  const byPlace = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...lockfile, packages: Object.fromEntries(byPlace) };
}

const SYSTEMS = /(?:^|[-/])(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)(?:-|$)/;
const PROCESSORS = /-(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)(?:-|$)/;

function platformOf(name: string): { cpu: string[]; os: string[]; libc?: string[] } | null {
  const system = SYSTEMS.exec(name)?.[1];
  const processor = PROCESSORS.exec(name)?.[1];
  if (!system || !processor) return null;
  const libc = system !== 'linux' ? null : /musl/.test(name) ? 'musl' : /-gnu/.test(name) ? 'glibc' : null;
  return { cpu: [processor], os: [system], ...(libc ? { libc: [libc] } : {}) };
}
