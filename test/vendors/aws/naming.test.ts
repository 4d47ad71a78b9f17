import { expect, test } from 'vitest';
import type { Version } from '../../../schemas/config/names.ts';
import { whichDeployment } from '../../../vendors/aws/codedeploy-naming.ts';
import { identifyVersions } from '../../../vendors/aws/lambda-versions.ts';
import { whichOf } from '../../../vendors/aws/naming.ts';

const [A, B, C] = ['a1'.repeat(20), 'b2'.repeat(20), 'c3'.repeat(20)];
const branch = { from: '6.5' as Version, to: '6.4' as Version, fromCommit: C, toCommit: A };

test.each<[string, string[], object, 'from' | 'to' | undefined]>([
  ['the name, if no commit is shown', ['6.4'], {}, 'to'],
  ['the commit before the name', ['6.4', A], {}, 'to'],
  ['no version by the name of another commit', ['6.4', B], {}, undefined],
  ['no version by the name of another commit in the same text', ['6.5 b2b2b2b'], {}, undefined],
  ['the commit after the name, as by git describe', ['6.4-12-ga1a1a1a'], {}, 'to'],
  ['the name, if its commit is not known', ['6.4', B], { toCommit: null }, 'to'],
  ['the name, if it has the commit', ['6.4-b2b2b2b'], { to: '6.4-b2b2b2b' }, 'to'],
  ['the name beside a digest, an ID, or a date', ['6.4', `sha256:${'b2'.repeat(32)}`, '20261120'], {}, 'to'],
  ['the name beside a UUID', ['6.4 3f2a91c0-12b4-4c1f-8d9e-0a1b2c3d4e5f'], {}, 'to'],
])('texts name %s', (_, texts, more, expected) => {
  expect(whichOf(texts, { ...branch, ...more })).toBe(expected);
});

test('a function of one name and several commits is found by its commit, or refused', () => {
  const versions = [
    { number: '12', description: `6.5 ${C}` },
    { number: '11', description: `6.4 ${B}` },
    { number: '10', description: `6.4 ${A}` },
  ];
  expect(identifyVersions(versions, branch).to.number).toBe('10');
  expect(() => identifyVersions(versions, { ...branch, toCommit: null })).toThrow('several commits');
});

test('a deployment of one name and several commits is found by its commit', () => {
  const deployment = (commitId: string) => ({
    revision: { gitHubLocation: { commitId } },
    description: '[firebreak key] back to 6.4 \u2014 errors',
  });
  expect([A, B, C].map((commit) => whichDeployment(deployment(commit), branch))).toEqual(['to', undefined, 'from']);
});
