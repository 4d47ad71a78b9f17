import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LockedPackage, lockedPathOf } from '../checks/lock-file.ts';

/** A package that the product needs at run time. `id` is its name and version. */
type Component = { id: string; name: string; version: string; license: string; sha512: string; needs: string[] };

/** Returns whether a package is installed by `npm ci --omit=dev`. The others are the project, its folders, and its tools. */
const isShipped = ([path, { dev, link }]: [string, LockedPackage]): boolean =>
  path.includes('node_modules/') && !dev && !link;

/** An alias is installed in a folder with another name than its own. */
const nameOf = (path: string, { name }: LockedPackage): string =>
  name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** @throws Error if a package has no version, license, or hash, because a list without it would be wrong */
function componentOf(packages: Record<string, LockedPackage>, path: string, entry: LockedPackage): Component {
  const { version, license, integrity = '' } = entry;
  const hash = /^sha512-(\S+)$/.exec(integrity)?.[1];
  if (version === undefined || license === undefined || hash === undefined)
    throw new Error(`package-lock.json: ${path} has no version, license, or SHA-512`);
  const name = nameOf(path, entry);
  const sha512 = Buffer.from(hash, 'base64').toString('hex');
  return { id: `${name}@${version}`, name, version, license, sha512, needs: needsOf(packages, path, entry) };
}

/** Returns the packages that a package needs. Optional ones may be missing. */
const needsOf = (packages: Record<string, LockedPackage>, path: string, entry: LockedPackage): string[] =>
  Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies })
    .map((name) => lockedPathOf(packages, path, name))
    .flatMap((found) => (found === undefined ? [] : [[found, packages[found] ?? {}] as [string, LockedPackage]]))
    .filter(isShipped)
    .map(([found, needed]) => `${nameOf(found, needed)}@${needed.version}`);

/**
 * Returns the packages that `npm ci --omit=dev` installs, sorted by name, each version once.
 *
 * Reads the lock file, because `npm sbom --omit=dev` of npm 11 leaves out each package that a development package needs,
 * too: of this project, 40 of about 100, `zod` among them.
 */
export function shippedPackages(root: string): Component[] {
  const { packages } = lockOf(root);
  const all = Object.entries(packages)
    .filter(isShipped)
    .map(([path, entry]) => componentOf(packages, path, entry));
  return [...new Map(all.map((one) => [one.id, one])).values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

const lockOf = (root: string) =>
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockedPackage> };

/** @see https://github.com/package-url/purl-spec, the type npm */
const purl = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** Firebreak is in no registry: with the type npm, scanners would report vulnerabilities of other people's package. */
const ownPurl = (version: string): string => `pkg:generic/firebreak@${version}`;

/**
 * Returns the software bill of materials in the format CycloneDX 1.6: the packages of the product, without Node.js and
 * the operating system. The same lock file gives the same bytes, so it has no time and no serial number.
 */
export function billOfMaterials(root: string): object {
  const project = lockOf(root).packages[''] ?? {};
  const { version = '' } = project;
  const own = ownPurl(version);
  const components = shippedPackages(root);
  const refOf = new Map(components.map((one) => [one.id, purl(one.name, one.version)]));
  const refsOf = (ids: readonly string[]) => [...new Set(ids.map((id) => refOf.get(id) ?? id))].toSorted();
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': own,
        name: 'firebreak',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        purl: own,
      },
    },
    components: components.map((one) => ({
      type: 'library',
      'bom-ref': purl(one.name, one.version),
      name: one.name,
      version: one.version,
      hashes: [{ alg: 'SHA-512', content: one.sha512 }],
      licenses: [{ expression: one.license }],
      purl: purl(one.name, one.version),
    })),
    dependencies: [
      { ref: own, dependsOn: refsOf(needsOf(lockOf(root).packages, '', project)) },
      ...components.map((one) => ({ ref: purl(one.name, one.version), dependsOn: refsOf(one.needs) })),
    ],
  };
}
