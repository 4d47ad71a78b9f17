import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { billOfMaterials, shippedPackages } from '../../scripts/release/bill-of-materials.ts';
import { LICENSES_PAGE, licenseProblems, licensesPage } from '../../scripts/release/licenses.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'firebreak-sbom-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const integrity = `sha512-${Buffer.from('hash').toString('base64')}`;
const lock = (packages: object) => writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages }));

test('lists each package of the product once, by its own name, with its hash and what it needs', async () => {
  await lock({
    '': { version: '1.0.0', dependencies: { '@s/a': '1.0.0' }, devDependencies: { c: '1.0.0' } },
    'node_modules/@s/a': { version: '1.0.0', license: 'MIT', integrity, dependencies: { b: '^2.0.0' } },
    'node_modules/@s/a/node_modules/b': { name: 'real-b', version: '2.0.0', license: 'ISC', integrity },
    'node_modules/b': { version: '1.0.0', license: 'ISC', integrity, dev: true },
    'node_modules/c': { version: '1.0.0', license: 'GPL-3.0', integrity, dev: true },
    'node_modules/@firebreak/demo': { link: true },
  });
  expect(billOfMaterials(root)).toMatchObject({
    specVersion: '1.6',
    // Firebreak is in no registry, so a name of npm would be a package of other people.
    metadata: { component: { name: 'firebreak', version: '1.0.0', purl: 'pkg:generic/firebreak@1.0.0' } },
    components: [
      { purl: 'pkg:npm/%40s/a@1.0.0', hashes: [{ alg: 'SHA-512', content: '68617368' }] },
      { purl: 'pkg:npm/real-b@2.0.0', licenses: [{ expression: 'ISC' }] },
    ],
    dependencies: [
      { ref: 'pkg:generic/firebreak@1.0.0', dependsOn: ['pkg:npm/%40s/a@1.0.0'] },
      { ref: 'pkg:npm/%40s/a@1.0.0', dependsOn: ['pkg:npm/real-b@2.0.0'] },
      { ref: 'pkg:npm/real-b@2.0.0', dependsOn: [] },
    ],
  });
});

test('refuses a package without a license, and reports one whose license is not allowed', async () => {
  await lock({ '': {}, 'node_modules/a': { version: '1.0.0', integrity } });
  expect(() => billOfMaterials(root)).toThrow('node_modules/a has no version, license, or SHA-512');
  await lock({ '': {}, 'node_modules/a': { version: '1.0.0', integrity, license: 'AGPL-3.0' } });
  expect(licenseProblems(root)).toEqual(['package-lock.json: the license of a@1.0.0 is not allowed: AGPL-3.0']);
});

test('of this project, lists all dependencies, and each reference exists', () => {
  const names = shippedPackages(PROJECT).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
  const { components, dependencies } = billOfMaterials(PROJECT) as {
    components: { 'bom-ref': string }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  const references = new Set(components.map((one) => one['bom-ref']));
  expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !references.has(ref))).toEqual([]);
  expect(licenseProblems(PROJECT)).toEqual([]);
});

test('docs/reference/licenses.md is up to date (npm run sbom)', async () => {
  expect(await readFile(join(PROJECT, LICENSES_PAGE), 'utf8')).toBe(licensesPage(PROJECT));
});
