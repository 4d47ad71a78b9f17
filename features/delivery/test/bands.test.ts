import { expect, test } from 'vitest';
import { DeliveryFile } from '../../../schemas/changes/delivery-file.ts';
import { plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import { figuresOf } from '../decisions/figures.ts';
import { DoraIncident } from '../dora.ts';

const NOON = Timestamp.parse('2026-11-20T12:00:00.000Z');

test('a figure is rated from five records on', () => {
  const incident = DoraIncident.parse({
    id: '01JCYZ7Q8M3N5P7R9T1V000001',
    service: 'checkout',
    environment: 'production',
    title: 'errors',
    opened_at: NOON,
    resolved_at: plusSeconds(NOON, 600),
    closed_as: 'person',
    restore_s: 600,
    deployment_id: null,
    attributed_by: 'none',
    correction: null,
  });
  const restoreOf = (incidents: number) =>
    figuresOf(
      [],
      Array.from({ length: incidents }, () => incident),
      28,
      DeliveryFile.parse({}),
    ).time_to_restore;
  expect([3, 4, 5].map((incidents) => [restoreOf(incidents).median_s, restoreOf(incidents).band])).toEqual([
    [600, null],
    [600, null],
    [600, 'elite'],
  ]);
});
