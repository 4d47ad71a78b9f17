import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An entry of package-lock.json. */
export type LockedPackage = {
  /** A link to a folder of this project, which has no address and no hash. */
  link?: boolean;
  /** Needed only by development packages. */
  dev?: boolean;
  /** The own name of a package that is installed under another one. */
  name?: string;
  version?: string;
  license?: string;
  integrity?: string;
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
};
type Manifest = Record<
  'dependencies' | 'devDependencies' | 'optionalDependencies',
  Record<string, string> | undefined
> & {
  allowScripts?: Record<string, boolean>;
};

/**
 * Returns problems that would make `npm ci` fail or behave differently on another machine: the address of a registry; a
 * missing package (npm omits optional packages that the registry did not have, and `npm ci` then fails); a version that is
 * not exact; a package without a hash; and install scripts, whose downloads have no hash.
 */
export function lockFileProblems(root: string): string[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const { packages } = read('package-lock.json') as { packages: Record<string, LockedPackage> };
  const manifest = read('package.json') as Manifest;
  return [
    ...addressProblems(packages),
    ...missingPackages(packages),
    ...hashProblems(packages),
    ...versionProblems(manifest),
    ...installScriptProblems(manifest),
  ];
}

const addressProblems = (packages: Record<string, LockedPackage>): string[] =>
  Object.entries(packages)
    .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
    .map(([path]) => `package-lock.json: ${path} has an address; .npmrc needs omit-lockfile-registry-resolved=true`);

/** Others are the project itself and its folders. */
const isInstalled = (path: string): boolean => path.includes('node_modules/');

const hashProblems = (packages: Record<string, LockedPackage>): string[] =>
  Object.entries(packages)
    .filter(([path, { integrity, link }]) => isInstalled(path) && integrity === undefined && !link)
    .map(([path]) => `package-lock.json: ${path} has no hash (integrity)`);

const installScriptProblems = ({ allowScripts = {} }: Manifest): string[] =>
  Object.entries(allowScripts)
    .filter(([, isAllowed]) => isAllowed)
    .map(([name]) => `package.json: the install script of ${name} is allowed, but its downloads have no hash`);

const missingPackages = (packages: Record<string, LockedPackage>): string[] =>
  Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => lockedPathOf(packages, path, name) === undefined)
      .map((name) => `package-lock.json: ${path || 'package.json'} needs ${name}, which is missing`),
  );

/** Returns the path of a package that another one loads. Searches as Node does: beside it, and beside each package that contains it. */
export function lockedPathOf(packages: Record<string, LockedPackage>, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (at === '') return undefined;
  }
}

function versionProblems(manifest: Manifest): string[] {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, version]) => !version.startsWith('file:') && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json: ${name} is ${version}; use an exact version (npm install --save-exact)`);
}
