import { expect, test } from 'vitest';
import { withIdentities } from '../../../../core/domain/changes/identified-versions.ts';
import { branchLabels, withLabelsRead } from '../../../../core/domain/correlation/branch-labels.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { before, change } from '../../arbitraries.ts';

const [A, B] = ['1'.repeat(40), '2'.repeat(40)];
const identified = (changes: Parameters<typeof withIdentities>[0]) => withIdentities(changes, { stays: false });
const branch = identified([change('6.4', 900, { commit: A }), change('v5', 300), change('6.4', 10, { commit: B })]);

test('a label with the name of a branch is the commit that ran in the time', () => {
  const read = branchLabels(branch, before(60));
  expect(['6.4', 'v5', 'v9'].map((label) => read?.(label))).toEqual(['6.4 (2222222)', 'v5', 'v9']);
});

test('a label with the name of a branch tells no version if several commits ran in the time', () => {
  const read = branchLabels(branch, before(600));
  expect(['6.4', 'v5'].map((label) => read?.(label))).toEqual([null, 'v5']);
});

test('labels are versions if no branch was deployed in the time', () => {
  expect(branchLabels([change('v1', 90), change('v2', 10)], before(60))).toBeUndefined();
  expect(branchLabels(identified([change('v42', 90), change('42', 10)]), before(60))).toBeUndefined();
});

test('what is measured by version is not, if a label tells no version', () => {
  const series = [
    { version: '6.4', curve: [], traffic: null },
    { version: 'v5', curve: [], traffic: null },
  ];
  const close = { window: 60, versions: series };
  const evidence = {
    by_version: series,
    alert_versions: ['6.4', 'v5'],
    by_version_close: close,
    by_instance: close,
    callers: { max: 0.05, versions: series, close },
    pods: [{ version: '6.4', ready: 1 }],
  } as unknown as Evidence;
  const unknown = withLabelsRead(evidence, branchLabels(branch, before(600)));
  expect(unknown).toEqual({ by_version: null, alert_versions: ['v5'] });
  const named = [{ version: '6.4 (2222222)' }, { version: 'v5' }];
  expect(withLabelsRead(evidence, branchLabels(branch, before(60)))).toMatchObject({
    by_version: named,
    by_version_close: { versions: named },
    by_instance: { versions: named },
    callers: { max: 0.05, versions: named, close: { versions: named } },
    pods: [{ version: '6.4 (2222222)', ready: 1 }],
    alert_versions: ['6.4 (2222222)', 'v5'],
  });
});
