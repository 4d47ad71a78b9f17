import { expect, test } from 'vitest';
import { opentelemetry } from '../../opentelemetry/opentelemetry.ts';

const SPAN = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  parentSpanId: 'eee19b7ec3c1b173',
  name: 'I am a server span',
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712661000000000',
  kind: 2,
};

const app = opentelemetry.app();
const post = (body: string, contentType = 'application/json') =>
  app.request('/v1/traces', { method: 'POST', body, headers: { 'content-type': contentType } });
const spans = (...all: object[]) =>
  post(
    JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'my.service' } }] },
          scopeSpans: [{ scope: { name: 'my.library' }, spans: all }],
        },
      ],
    }),
  );

/** @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/examples/trace.json (read 2026-11) */
test('accepts the published example', async () => {
  const response = await spans(SPAN);
  expect([response.status, await response.json()]).toEqual([200, { partialSuccess: {} }]);
});

test('refuses what a collector refuses', async () => {
  expect((await post('{}', 'text/plain')).status).toBe(415);
  expect((await post('no JSON')).status).toBe(400);
  expect((await spans({ ...SPAN, traceId: 'W47/95gDgQPSabYzgT/GDA==' })).status).toBe(400);
  expect((await spans({ ...SPAN, spanId: '0000000000000000' })).status).toBe(400);
  expect((await spans({ ...SPAN, kind: 'server' })).status).toBe(400);
  expect((await post('{}')).status).toBe(200);
});
