import { describe, expect, test } from 'vitest';
import {
  ADDED_TAGS,
  type Annotations,
  changesToIgnore,
  tagsOf,
  updatedImages,
} from '../../../vendors/argo-cd/image-updater.ts';
import type { Version } from '../../../schemas/config/names.ts';

const UPDATER = 'argocd-image-updater.argoproj.io';
const at = (settings: Record<string, string>): Annotations =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${UPDATER}/${name}`, value]));

const LIST = { 'image-list': 'api=ghcr.io/acme/api:~1.2, org/web=registry:5000/acme/web, redis:^7' };

/** Applies the changes for `holder`, as a merge patch does. */
function held(annotations: Annotations, holder: string, tags: readonly string[], images: readonly string[] = []) {
  const next: Record<string, string> = { ...annotations };
  for (const [key, value] of Object.entries(
    changesToIgnore(annotations, holder, updatedImages(annotations, images), tags),
  ))
    if (value === null) delete next[key];
    else next[key] = value;
  return next;
}

const ignored = (annotations: Annotations, name: string) => annotations[`${UPDATER}/${name}`];

test('the images of the list, with the annotation of each', () => {
  expect(updatedImages(at(LIST), [])).toEqual([
    { image: 'ghcr.io/acme/api', annotation: `${UPDATER}/api.ignore-tags`, byDigest: false },
    { image: 'registry:5000/acme/web', annotation: `${UPDATER}/org_web.ignore-tags`, byDigest: false },
    { image: 'redis', annotation: `${UPDATER}/ignore-tags`, byDigest: false },
  ]);
  expect(updatedImages(at(LIST), ['redis']).map(({ image }) => image)).toEqual(['redis']);
  expect(updatedImages({}, [])).toEqual([]);
});

test.each([
  ['v42', ['v42', '42']],
  ['1.2.3', ['1.2.3', 'v1.2.3']],
  ['4c1f0d9', ['4c1f0d9']],
  ['main-4c1f0d9', ['main-4c1f0d9']],
  ['release 42', []],
  ['a,b', []],
])('the tags of version %s are %j', (version, tags) => expect(tagsOf(version as Version)).toEqual(tags));

describe('a hold and its release leave what people wrote', () => {
  test.each([
    ['no annotation', LIST],
    ['an own list', { ...LIST, 'api.ignore-tags': 'latest,  *-rc' }],
    ['a list for the application', { ...LIST, 'ignore-tags': 'latest' }],
    ['the tag is already ignored', { ...LIST, 'api.ignore-tags': 'v42', 'ignore-tags': 'v42' }],
    ['an empty annotation', { ...LIST, 'api.ignore-tags': '' }],
  ])('%s', (_, settings) => {
    const before = at(settings);
    const during = held(before, 'api/production', ['v42']);
    for (const name of ['api.ignore-tags', 'org_web.ignore-tags', 'ignore-tags'])
      expect(ignored(during, name)?.split(', ')).toContain('v42');
    expect(changesToIgnore(during, 'api/production', updatedImages(during, []), ['v42'])).toEqual({});
    const after = held(during, 'api/production', []);
    expect(Object.keys(after)).toEqual(expect.arrayContaining(Object.keys(before)));
    expect(Object.keys(after)).toHaveLength(Object.keys(before).length);
    const listed = (text = '') => text.split(',').map((tag) => tag.trim());
    for (const [key, text] of Object.entries(before)) expect(listed(after[key])).toEqual(listed(text));
  });

  test('and what people write meanwhile', () => {
    const during = held(at(LIST), 'api/production', ['v42'], ['ghcr.io/acme/api']);
    const edited = { ...during, [`${UPDATER}/api.ignore-tags`]: 'v42, nightly' };
    expect(ignored(held(edited, 'api/production', []), 'api.ignore-tags')).toBe('nightly');
  });
});

test("an image's own list begins with that of the application, which it replaces", () => {
  const before = at({ ...LIST, 'ignore-tags': 'latest, edge' });
  const during = held(before, 'api/production', ['v42'], ['ghcr.io/acme/api']);
  expect(ignored(during, 'api.ignore-tags')).toBe('latest, edge, v42');
  const edited = { ...during, [`${UPDATER}/ignore-tags`]: 'edge' };
  expect(ignored(held(edited, 'api/production', ['v42'], ['ghcr.io/acme/api']), 'api.ignore-tags')).toBe('edge, v42');
});

test('services that share an application hold and release their own tags', () => {
  const one = held(at(LIST), 'api/production', ['v42', 'v43']);
  const both = held(one, 'web/production', ['v42', 'v7']);
  expect(ignored(both, 'api.ignore-tags')?.split(', ').toSorted()).toEqual(['v42', 'v43', 'v7']);
  const rest = held(both, 'api/production', []);
  expect(ignored(rest, 'api.ignore-tags')).toBe('v42, v7');
  expect(held(rest, 'web/production', [])).toEqual(at(LIST));
});

test('an image that follows the digest of a tag is not updated at all', () => {
  const before = at({ ...LIST, 'api.update-strategy': 'digest' });
  const during = held(before, 'api/production', ['v42'], ['ghcr.io/acme/api']);
  expect(ignored(during, 'api.ignore-tags')).toBe('*');
  expect(held(during, 'api/production', [])).toEqual(before);
});

test('an unreadable record is replaced, and what it named is kept', () => {
  const before = { ...at({ ...LIST, 'api.ignore-tags': 'v41' }), [ADDED_TAGS]: '{' };
  const during = held(before, 'api/production', ['v42'], ['ghcr.io/acme/api']);
  expect(ignored(during, 'api.ignore-tags')).toBe('v41, v42');
  expect(held(during, 'api/production', [])).toEqual(at({ ...LIST, 'api.ignore-tags': 'v41' }));
});
