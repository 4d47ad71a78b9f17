import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE_MAX_BYTES } from '../../../entrances/http/list-bytes.ts';
import {
  ALL_ANSWERED,
  bytesOf,
  type LargeIncident,
  readBesideAlerts,
  startWithLargeIncident,
} from '../../../test/support/large-incident.ts';
import { RECORDING_MAX_BYTES } from '../actions/recording-bytes.ts';
import { RecordedIncident } from '../recording.ts';

let large: LargeIncident;
beforeAll(async () => {
  large = await startWithLargeIncident();
});
afterAll(() => large?.firebreak.remove());

test('the recording of a large incident has a limit, and says what it lacks', async () => {
  const { body } = await large.firebreak.get(`${large.path}/recording`);
  expect(bytesOf(body)).toBeLessThanOrEqual(RECORDING_MAX_BYTES);
  const recorded = RecordedIncident.parse(body);
  expect(recorded).toMatchObject({ truncated: false, left_out: ['annotations'] });
  expect(recorded.signals).toHaveLength(large.alerts);
  const listed = (await large.firebreak.get('/v1/recordings')).body;
  expect(bytesOf(listed)).toBeLessThanOrEqual(PAGE_MAX_BYTES);
  expect(listed.items.some(({ id }: { id: string }) => id === recorded.id)).toBe(true);
});

test.each([
  ['/v1/recordings', () => '/v1/recordings'],
  ['its recording', () => `${large.path}/recording`],
])('four reads of %s at once, beside new alerts, are all answered', async (_, pathOf) => {
  expect(await readBesideAlerts(large, pathOf())).toEqual(ALL_ANSWERED);
});
