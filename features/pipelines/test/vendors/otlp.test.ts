import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reportOfSpan } from '../../vendors/otlp/pipelines.ts';
import {
  protobufResponse,
  type Span,
  spansOfJson,
  spansOfProtobuf,
  TracesUnreadable,
} from '../../vendors/otlp/traces.ts';
import { lengthField } from '../../vendors/otlp/wire.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const file = (name: string): string =>
  readFileSync(new URL(`../../../../test/fixtures/otlp/${name}`, import.meta.url), 'utf8');
const protobuf = (): Buffer => Buffer.from(file('github-receiver.pb.base64'), 'base64');

const span = (attributes: Record<string, string | number | boolean>, more: Partial<Span> = {}): Span => ({
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  parentSpanId: '',
  name: 'CI',
  start: '2026-11-20T10:00:00.000Z' as Timestamp,
  end: '2026-11-20T10:08:00.000Z' as Timestamp,
  status: 'unset',
  attributes: new Map(Object.entries(attributes)),
  resource: new Map(),
  ...more,
});
const of = (attributes: Parameters<typeof span>[0], more: Partial<Span> = {}) =>
  reportOfSpan(span(attributes, more), (name) => name === 'checkout');

describe('the encodings', () => {
  test('JSON and protobuf of one export are the same spans', () => {
    const spans = [...spansOfJson(file('github-receiver.json'))];
    expect([...spansOfProtobuf(protobuf())]).toEqual(spans);
    expect(spans.map(({ name, start, status }) => [name, start, status])).toEqual([
      ['CI', '2026-11-20T10:00:00.000Z', 'error'],
      ['queue-test', '2026-11-20T10:01:00.000Z', 'unset'],
      ['Run npm test', '2026-11-20T10:01:02.000Z', 'unset'],
      ['test', '2026-11-20T10:01:00.000Z', 'error'],
    ]);
    expect(spans[0]?.resource.get('cicd.pipeline.run.id')).toBe(289782451);
  });

  test.each([
    [{ code: 'STATUS_CODE_ERROR' }, 'error'],
    [{ code: 'STATUS_CODE_OK' }, 'ok'],
    [{ code: 'STATUS_CODE_UNSET' }, 'unset'],
    [{}, 'unset'],
    [null, 'unset'],
  ])('the status %j and a parent that is null, as protobuf libraries write JSON', (status, expected) => {
    const spans = [
      { traceId: '5B8EFFF798038103D269B633813FC60C', spanId: 'ab', parentSpanId: null, name: 'n', status },
    ];
    const [found] = spansOfJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
    expect(found).toMatchObject({ traceId: '5b8efff798038103d269b633813fc60c', parentSpanId: '', status: expected });
  });

  test('null is absent in JSON', () => {
    const spans = [{ spanId: null, name: null, attributes: null, startTimeUnixNano: null, status: { code: null } }];
    const attributes = [{ key: 'a', value: { stringValue: null, intValue: '7' } }];
    const resourceSpans = [
      { resource: { attributes: null }, scopeSpans: [{ spans }, { spans: [{ attributes }] }, { spans: null }] },
      { scopeSpans: null },
    ];
    expect([...spansOfJson(JSON.stringify({ resourceSpans }))]).toMatchObject([
      { name: '', attributes: new Map(), start: null, status: 'unset', resource: new Map() },
      { attributes: new Map([['a', 7]]) },
    ]);
    expect([...spansOfJson('{"resourceSpans":null}')]).toEqual([]);
  });

  test('long names are cut, attributes with a long key are left out, and a long ID is no ID', () => {
    const text = (field: number, content: string) => lengthField(field, Buffer.from(content));
    const pair = (key: string) => lengthField(9, Buffer.concat([text(1, key), lengthField(2, text(1, 'value'))]));
    const encoded = (traceId: string) =>
      [2, 2, 1].reduce<Uint8Array>(
        (message, field) => lengthField(field, message),
        Buffer.concat([text(1, traceId), text(5, 'n'.repeat(50_000)), pair('k'.repeat(50_000)), pair('short')]),
      );
    const attribute = (key: string) => ({ key, value: { stringValue: 'value' } });
    const inJson = (traceId: string) =>
      JSON.stringify({
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    traceId,
                    name: 'n'.repeat(50_000),
                    attributes: [attribute('k'.repeat(50_000)), attribute('short')],
                  },
                ],
              },
            ],
          },
        ],
      });
    for (const [one] of [spansOfProtobuf(encoded('t'.repeat(16))), spansOfJson(inJson('74'.repeat(16)))])
      expect(one).toMatchObject({
        traceId: '74'.repeat(16),
        name: `${'n'.repeat(255)}…`,
        attributes: new Map([['short', 'value']]),
      });
    for (const [one] of [spansOfProtobuf(encoded('t'.repeat(40))), spansOfJson(inJson('74'.repeat(40)))])
      expect(reportOfSpan(one ?? expect.fail(), () => true)).toMatchObject({
        kind: 'rejected',
        why: expect.stringContaining('the trace ID'),
      });
    expect(() => [...spansOfJson(inJson('x'))]).toThrow('resourceSpans.0.scopeSpans.0.spans.0.traceId');
  });

  test('a text that is not UTF-8 is refused', () => {
    const named = (name: Buffer): Uint8Array =>
      [2, 2, 1].reduce<Uint8Array>((message, field) => lengthField(field, message), lengthField(5, name));
    expect([...spansOfProtobuf(named(Buffer.from('José')))]).toMatchObject([{ name: 'José' }]);
    expect(() => [...spansOfProtobuf(named(Buffer.from('José', 'latin1')))]).toThrow(TracesUnreadable);
  });

  test('bytes that were cut off or altered are refused or read, and never hang', () => {
    const whole = protobuf();
    expect(() => [...spansOfProtobuf(whole.subarray(0, whole.length - 1))]).toThrow(TracesUnreadable);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const altered = Buffer.from(whole);
        altered[at] = byte;
        try {
          expect([...spansOfProtobuf(altered)].length).toBeLessThan(1000);
        } catch (error) {
          expect(error).toBeInstanceOf(TracesUnreadable);
        }
      }),
    );
  });

  test('a field that claims more bytes than there are', () => {
    expect(() => [...spansOfProtobuf(Buffer.from('0affffffffffffff7f', 'hex'))]).toThrow('exceeds its message');
    expect(() => [...spansOfProtobuf(Buffer.from('ffffffffffffffffffffff', 'hex'))]).toThrow('more than 10 bytes');
  });

  test('a partial success', () => {
    // As deserializeResponse of @opentelemetry/otlp-transformer reads it.
    expect(Buffer.from(protobufResponse({ rejected: 300, message: 'why' })).toString('hex')).toBe(
      '0a0808ac021203776879',
    );
    expect(protobufResponse({ rejected: 0, message: '' })).toHaveLength(0);
  });
});

describe('spans of pipelines', () => {
  const RUN = { 'cicd.pipeline.name': 'CI', 'cicd.pipeline.run.id': '7', 'service.name': 'checkout' };

  test("the collector's GitHub receiver: the run, and the job without its queue and its steps", () => {
    const found = [...spansOfJson(file('github-receiver.json'))].map((one) => reportOfSpan(one, () => false));
    expect(found.map(({ kind }) => kind)).toEqual(['report', 'part', 'part', 'report']);
    expect(found[0]).toMatchObject({
      report: {
        repository: 'acme/checkout',
        pipeline: 'CI',
        run_id: '289782451',
        branch: 'main',
        result: 'failed',
        author: 'ada',
        started_at: '2026-11-20T10:00:00.000Z',
        finished_at: '2026-11-20T10:08:00.000Z',
      },
    });
    expect(found[3]).toMatchObject({
      report: { run_id: '289782451', stages: [{ id: '17', name: 'test', result: 'failed' }] },
    });
  });

  test("the collector's GitLab receiver: jobs with their queue time, and stages without figures", () => {
    const job = {
      'cicd.pipeline.task.name': 'rspec',
      'cicd.pipeline.task.run.id': 9,
      'gitlab.job.queued_duration': 30,
    };
    const child = { parentSpanId: 'aaaaaaaaaaaaaaaa' };
    expect(of({ ...RUN, ...job, 'cicd.pipeline.task.run.result': 'canceled' }, child)).toMatchObject({
      report: {
        stages: [{ id: '9', name: 'rspec', result: 'cancelled', queued_at: '2026-11-20T09:59:30.000Z' }],
      },
    });
    expect(of(RUN, child)).toEqual({ kind: 'part' });
  });

  test('otel-cli: without a run ID, the trace is the run; without a status, it succeeded', () => {
    expect(of({ 'cicd.pipeline.name': 'release', 'service.name': 'checkout' })).toMatchObject({
      report: { service: 'checkout', run_id: '5b8efff798038103d269b633813fc60c', result: 'succeeded' },
    });
    expect(of(RUN, { status: 'error' })).toMatchObject({ report: { result: 'failed' } });
    const unknown = { ...RUN, 'cicd.pipeline.result': 'gone' };
    expect(of(unknown, { status: 'error' })).toMatchObject({ report: { result: 'failed' } });
  });

  test.each([
    [
      'spans of an application',
      { 'service.name': 'checkout' },
      { resource: new Map([['telemetry.sdk.name', 'opentelemetry']]) },
      'no attribute cicd.pipeline.run.id',
    ],
    ['a plain span of an unknown service', { 'service.name': 'cron' }, {}, 'the catalogue has no service "cron"'],
    ['an unknown service', { ...RUN, 'service.name': 'otel-cli' }, {}, 'the catalogue has no service "otel-cli"'],
    ['a span without an end', RUN, { end: null }, 'a span without an end'],
    ['a trace ID of zeros', RUN, { traceId: '0'.repeat(32) }, 'the trace ID must have 16 bytes, not only zeros'],
    ['a short trace ID', RUN, { traceId: '5b8e' }, 'the trace ID must have 16'],
    ['no span ID', RUN, { spanId: '' }, 'the span ID must have 8'],
    [
      'an unknown result',
      { ...RUN, 'cicd.pipeline.result': 'gone' },
      {},
      'cicd.pipeline.result: must be one of succeeded',
    ],
    ['a run ID that is too long', { ...RUN, 'cicd.pipeline.run.id': 'x'.repeat(300) }, {}, 'run_id'],
  ])('%s: rejected', (_, attributes, more, why) => {
    expect(of(attributes, more)).toMatchObject({ kind: 'rejected', why: expect.stringContaining(why) });
  });
});
