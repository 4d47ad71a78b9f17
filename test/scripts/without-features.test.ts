import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { featuresOf, withDependents, withoutEntries } from '../../scripts/without-features.ts';

const ROOT = join(import.meta.dirname, '../..');

const INDEX = `import { canary } from './canary/feature.ts';
import { digests } from './digests/feature.ts';
import { experiments } from './experiments/feature.ts';
import type { Feature } from './manifest.ts';

export const FEATURES: readonly Feature[] = [canary, digests, experiments];
`;

test.each([
  [['canary'], '[digests, experiments]'],
  [['digests'], '[canary, experiments]'],
  [['experiments'], '[canary, digests]'],
  [['experiments', 'canary', 'digests'], '[]'],
])('a list without %s', (features, rest) => {
  const text = withoutEntries(INDEX, features);
  expect(text).toContain(`export const FEATURES: readonly Feature[] = ${rest};`);
  for (const feature of features) expect(text).not.toContain(feature);
});

test('features that require one that is left out are left out with it', () => {
  const requires = { reports: ['runs'], runs: ['pages'], pages: [], others: [] };
  expect(withDependents(['pages'], requires)).toEqual(['pages', 'runs', 'reports']);
  expect(withDependents(['reports'], requires)).toEqual(['reports']);
});

test('a feature that is in no list is an error', () => {
  expect(() => withoutEntries(INDEX, ['delivery'])).toThrow('delivery');
});

test('both lists name every folder', () => {
  const features = featuresOf(ROOT);
  expect(features.length).toBeGreaterThan(0);
  for (const list of ['index.ts', 'names.ts']) {
    const text = readFileSync(join(ROOT, 'features', list), 'utf8');
    const named = [...text.matchAll(/^import .* from '\.\/(\w[\w-]*)\//gm)].map(([, feature]) => feature);
    expect(new Set(named)).toEqual(new Set(features));
    expect(named).toHaveLength(features.length);
  }
});
