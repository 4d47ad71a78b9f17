import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE_MAX_BYTES } from '../../../entrances/http/list-bytes.ts';
import {
  answersWhileRead,
  bytesOf,
  type LargeIncident,
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

describe('while a viewer reads a large incident four times at once, an alert gets its 202 within a second', () => {
  // A machine that is busy otherwise is not a failure; a frozen process would be one each time.
  test.each([
    ['/v1/recordings', () => '/v1/recordings'],
    ['its recording', () => `${large.path}/recording`],
  ])('%s', { retry: 2 }, (_, pathOf) => answersWhileRead(large, pathOf()));
});
