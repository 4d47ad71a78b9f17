import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Entry = {
  version?: string;
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};
type Manifest = Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string> | undefined>;

/**
 * What would make `npm ci` fail or behave differently elsewhere: a registry's address (everyone has their own), a package
 * that the lock file needs but does not hold (npm leaves out optional packages that the registry did not have, and
 * `npm ci` then refuses), a version that is not exact.
 */
export function lockFileProblems(root: string): string[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const { packages } = read('package-lock.json') as { packages: Record<string, Entry> };
  return [...addresses(packages), ...missing(packages), ...inexact(read('package.json') as Manifest)];
}

const addresses = (packages: Record<string, Entry>): string[] =>
  Object.entries(packages)
    .filter(([, entry]) => entry.resolved !== undefined)
    .map(([path]) => `package-lock.json: ${path} has an address; .npmrc needs omit-lockfile-registry-resolved=true`);

const missing = (packages: Record<string, Entry>): string[] =>
  Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !isHeld(packages, path, name))
      .map((name) => `package-lock.json: ${path || 'package.json'} needs ${name}, which is not in it`),
  );

/** Looks where Node would look: beside the package, and beside each package that it is nested in. */
function isHeld(packages: Record<string, Entry>, from: string, name: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in packages) return true;
    if (at === '') return false;
  }
}

function inexact(manifest: Manifest): string[] {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json: ${name} is ${version}; name one exact version (npm install --save-exact)`);
}
