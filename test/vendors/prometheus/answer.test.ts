import { describe, expect, test } from 'vitest';
import { type Timestamp, plusSeconds } from '../../../schemas/time/time.ts';
import { statesInPrometheus } from '../../../vendors/prometheus/alert-states.ts';
import { prometheus } from '../../../vendors/prometheus/metrics.ts';
import { prometheusQueries } from '../../../vendors/prometheus/queries.ts';
import { type Server, serverAt } from '../../../vendors/shared/server.ts';
import { vendor } from '../server.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
const LATER = plusSeconds(NOON, 60);
/** Only against hanging. */
const LIMIT_MS = 60_000;
const VECTOR = { resultType: 'vector', result: [] };
const MATRIX = { resultType: 'matrix', result: [] };
const RULES = { groups: [], alerts: [] };

type Read = (server: Server) => Promise<unknown>;
const metrics = (server: Server) => prometheus(async () => server);
const queries = (server: Server) => prometheusQueries(async () => server);
const READERS: readonly [name: string, data: object, read: Read][] = [
  ['the value of a health query', VECTOR, (server) => metrics(server).value('q')],
  ['a curve', MATRIX, (server) => metrics(server).range('q', NOON, LATER, 'max')],
  ['a curve of each version', MATRIX, (server) => metrics(server).rangeByLabel('q', 'version', NOON, LATER, 'max')],
  ['an objective now', VECTOR, (server) => queries(server).instant('q', NOON, LIMIT_MS)],
  ['an objective earlier', MATRIX, (server) => queries(server).range('q', NOON, LATER, 30, LIMIT_MS)],
  [
    'the alerts that are over',
    RULES,
    (server) => statesInPrometheus(server, [{ labels: [['alertname', 'A']], generatorUrl: null }]),
  ],
];

/** Additional members of a response, and whether data are missing from it. */
const MARKS: readonly [mark: object, isPartial: boolean][] = [
  [{}, false],
  [{ isPartial: false, warnings: null }, false],
  [{ warnings: ['PromQL info: metric might not be a counter: "requests" (1:5)'] }, false],
  [{ warnings: ['PromQL warning: quantile value should be between 0 and 1 (1:5)'] }, false],
  [{ warnings: ['fetch series from store 10.0.0.7:10901: context deadline exceeded'] }, true],
  [{ warnings: ['PromQL info: metric might not be a counter: "a" (1:5)', 'results truncated due to limit'] }, true],
  [{ isPartial: true }, true],
];

describe.each(READERS)('%s', (_, data, read) => {
  test.each(MARKS)('with %j is unreadable: %s', async (mark, isPartial) => {
    const { url } = await vendor({ body: JSON.stringify({ status: 'success', ...mark, data }) });
    const answer = await read(serverAt(url));
    if (!isPartial) expect(answer).not.toEqual(expect.objectContaining({ kind: 'unreadable' }));
    if (!isPartial) expect(answer).not.toBeNull();
    else if (answer !== null)
      expect(answer).toMatchObject({ kind: 'unreadable', detail: expect.stringContaining('lacks a part of the data') });
  });
});
