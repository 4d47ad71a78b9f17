import { expect, test } from 'vitest';
import { digestSection } from '../decisions/digest-section.ts';
import { figuresOf } from '../decisions/figures.ts';
import { DeliveryFile } from '../../../schemas/changes/delivery-file.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import type { DoraDeploy } from '../dora.ts';

const at = Timestamp.parse('2026-11-10T12:00:00.000Z');

const deploy = (id: string, failed = false): DoraDeploy =>
  ({
    id,
    service: 'checkout',
    environment: 'production',
    version: id,
    kind: 'deploy',
    status: failed ? 'failed' : 'succeeded',
    started_at: at,
    finished_at: at,
    lead_times_s: failed ? [] : [3600],
    pending: false,
    failures: failed ? [{ kind: 'rollout' }] : [],
    recovery_s: failed ? 600 : null,
    rework: null,
    rework_pull_request: null,
  }) as DoraDeploy;

const figures = (...deploys: DoraDeploy[]) => figuresOf(deploys, [], 7, DeliveryFile.parse({}));

test('the digest shows the figures of the week beside those of the week before', () => {
  const { summary, rows } = digestSection('payments', {
    week: figures(deploy('d1'), deploy('d2', true)),
    before: figures(deploy('d0')),
  });
  expect(summary).toBe('1 deploy. Week before: 1.');
  expect(rows.map(([, ...values]) => values.flat())).toEqual([
    ['0.14 per day', '0.14 per day'],
    ['1 h', '1 h'],
    ['50 % (1 of 2)', '0 % (0 of 1)'],
    ['10 min', 'no data'],
    ['0 %', '0 %'],
  ]);
  expect(rows[1]?.[0]).toEqual([
    { link: '/console/delivery?days=7&figure=lead_time&team=payments#records', text: 'Change lead time' },
  ]);
});

test('the digest says that nothing was deployed', () => {
  expect(digestSection(null, { week: figures(), before: figures() })).toMatchObject({
    summary: 'No deploy in two weeks.',
    rows: [],
    path: '/console/delivery?days=7&figure=deployment_frequency#records',
  });
});
