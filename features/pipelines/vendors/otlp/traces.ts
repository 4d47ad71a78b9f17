import * as z from 'zod';
import { utf8Text } from '../../../../schemas/parsing/utf-8.ts';
import { cutText } from '../../../../schemas/parsing/text.ts';
import { timestamp, type Timestamp } from '../../../../schemas/time/time.ts';
import { type Field, fields, lengthField, numberField, WireError } from './wire.ts';
import { inputProblemText } from '../../../../schemas/parsing/input-problems.ts';

/** The value of an attribute. Lists and maps are left out. */
export type AttributeValue = string | number | boolean;
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** A span, as far as pipelines need it. */
export type Span = {
  traceId: string;
  spanId: string;
  /** Empty: the root of its trace. */
  parentSpanId: string;
  name: string;
  start: Timestamp | null;
  end: Timestamp | null;
  status: 'unset' | 'ok' | 'error';
  attributes: Attributes;
  resource: Attributes;
};

/** Maximum number of spans in one request. */
export const SPANS_MAX = 10_000;

/** Length of the ID of a trace, in bytes; that of a span is shorter. Longer ones are cut after one byte more: they are invalid. */
const ID_MAX_BYTES = 16;

/** Longer names of spans are cut. */
const NAME_MAX_CHARS = 256;

/** Attributes with a longer key are left out: no convention defines one. */
const KEY_MAX_CHARS = 256;

/** Thrown for a request that cannot be read. */
export class TracesUnreadable extends Error {
  override readonly name = 'TracesUnreadable';
}

const NANOS_PER_MILLI = 1e6;
/** The last millisecond of the year 9999. */
const MILLIS_MAX = 253_402_300_799_999;

function timeOf(nanos: number): Timestamp | null {
  const millis = Math.floor(nanos / NANOS_PER_MILLI);
  return Number.isFinite(millis) && millis > 0 && millis <= MILLIS_MAX ? timestamp(millis) : null;
}

/** Reads null as absent, as protobuf does in JSON. */
const orDefault = <T>(type: z.ZodType<T>, value: NoInfer<T>) => type.nullish().transform((given) => given ?? value);

/** A 64-bit number, which JSON has as text. */
const Int64 = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d{1,20}$/)
    .transform(Number),
]);
const JsonAttributes = z
  .array(
    z.object({
      key: z.string(),
      value: z
        .object({
          stringValue: z.string().nullish(),
          boolValue: z.boolean().nullish(),
          intValue: Int64.nullish(),
          doubleValue: z.number().nullish(),
        })
        .catch({}),
    }),
  )
  .nullish()
  .transform((all): Attributes => {
    const values = (all ?? []).flatMap(({ key, value }): [string, AttributeValue][] => {
      const found = value.stringValue ?? value.boolValue ?? value.intValue ?? value.doubleValue;
      return found == null || key.length > KEY_MAX_CHARS ? [] : [[key, found]];
    });
    return new Map(values);
  });

const Id = z
  .string()
  .regex(/^[0-9a-f]*$/i)
  .toLowerCase()
  .nullish()
  .transform((id) => (id ?? '').slice(0, 2 * (ID_MAX_BYTES + 1)));

/** Numbers are the form of OTLP; the names are that of protobuf. */
const StatusCode = z.union([
  z.number(),
  z.literal('STATUS_CODE_UNSET').transform(() => 0),
  z.literal('STATUS_CODE_OK').transform(() => 1),
  z.literal('STATUS_CODE_ERROR').transform(() => 2),
]);
const JsonSpan = z.object({
  traceId: Id,
  spanId: Id,
  parentSpanId: Id,
  name: orDefault(cutText(NAME_MAX_CHARS), ''),
  startTimeUnixNano: orDefault(Int64, 0),
  endTimeUnixNano: orDefault(Int64, 0),
  attributes: JsonAttributes,
  status: z.object({ code: orDefault(StatusCode, 0) }).nullish(),
});
/** Without its spans, which are read one by one. */
const JsonTraces = z.object({
  resourceSpans: orDefault(
    z.array(
      z.object({
        resource: z.object({ attributes: JsonAttributes }).nullish(),
        scopeSpans: orDefault(z.array(z.object({ spans: orDefault(z.array(z.unknown()), []) })), []),
      }),
    ),
    [],
  ),
});

const statusOf = (code: number | undefined): Span['status'] => (code === 1 ? 'ok' : code === 2 ? 'error' : 'unset');

/**
 * Reads an export request in OTLP's JSON encoding. Each span is read when it is taken.
 *
 * @throws TracesUnreadable if it is none, or has too many spans
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function* spansOfJson(text: string): Generator<Span> {
  const { resourceSpans: all } = parsedJson(JsonTraces, jsonIn(text));
  requireWithinLimit(
    all.reduce((sum, { scopeSpans }) => sum + scopeSpans.reduce((n, one) => n + one.spans.length, 0), 0),
  );
  for (const [r, { resource, scopeSpans }] of all.entries())
    for (const [s, { spans }] of scopeSpans.entries())
      for (const [n, item] of spans.entries()) {
        const path = ['resourceSpans', r, 'scopeSpans', s, 'spans', n];
        const { startTimeUnixNano, endTimeUnixNano, status, ...span } = parsedJson(JsonSpan, item, path);
        yield {
          ...span,
          start: timeOf(startTimeUnixNano),
          end: timeOf(endTimeUnixNano),
          status: statusOf(status?.code),
          resource: resource?.attributes ?? new Map<string, AttributeValue>(),
        };
      }
}

/** @param path of the value in its request */
function parsedJson<T>(schema: z.ZodType<T>, value: unknown, path: (string | number)[] = []): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
  throw new TracesUnreadable(inputProblemText({ issues }));
}

/**
 * Reads an export request in OTLP's protobuf encoding. Each span is read when it is taken.
 *
 * @throws TracesUnreadable if it is none, or has too many spans
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
export function* spansOfProtobuf(body: Uint8Array): Generator<Span> {
  let count = 0;
  try {
    for (const message of messages(fields(body), FIELD.tracesData.resourceSpans))
      for (const span of resourceSpans(message)) {
        count += 1;
        requireWithinLimit(count);
        yield span;
      }
  } catch (error) {
    if (error instanceof WireError) throw new TracesUnreadable(error.message);
    throw error;
  }
}

/** Field numbers of the protobuf messages, by message. @see https://github.com/open-telemetry/opentelemetry-proto */
const FIELD = {
  tracesData: { resourceSpans: 1 },
  resourceSpans: { resource: 1, scopeSpans: 2 },
  resource: { attributes: 1 },
  scopeSpans: { spans: 2 },
  span: { traceId: 1, spanId: 2, parentSpanId: 4, name: 5, start: 7, end: 8, attributes: 9, status: 15 },
  status: { code: 3 },
  keyValue: { key: 1, value: 2 },
  anyValue: { string: 1, bool: 2, int: 3, double: 4 },
  exportResponse: { partialSuccess: 1 },
  partialSuccess: { rejectedSpans: 1, errorMessage: 2 },
  rpcStatus: { message: 2 },
} as const;

function* resourceSpans(message: Uint8Array): Generator<Span> {
  const all = [...fields(message)];
  const [resource] = messages(all, FIELD.resourceSpans.resource);
  const attributes =
    resource === undefined
      ? new Map<string, AttributeValue>()
      : attributesIn([...fields(resource)], FIELD.resource.attributes);
  for (const scope of messages(all, FIELD.resourceSpans.scopeSpans))
    for (const span of messages(fields(scope), FIELD.scopeSpans.spans)) yield spanIn(span, attributes);
}

function spanIn(message: Uint8Array, resource: Attributes): Span {
  const all = [...fields(message)];
  const valueOfField = (number: number) => all.find((field) => field.number === number)?.value;
  const hex = (value: Field['value'] | undefined) => {
    if (!(value instanceof Uint8Array)) return '';
    return Buffer.from(value.subarray(0, ID_MAX_BYTES + 1)).toString('hex');
  };
  const nanos = (value: Field['value'] | undefined) =>
    value instanceof DataView && value.byteLength === 8 ? Number(value.getBigUint64(0, true)) : 0;
  const status = valueOfField(FIELD.span.status);
  const code =
    status instanceof Uint8Array
      ? [...fields(status)].find(({ number }) => number === FIELD.status.code)?.value
      : undefined;
  return {
    traceId: hex(valueOfField(FIELD.span.traceId)),
    spanId: hex(valueOfField(FIELD.span.spanId)),
    parentSpanId: hex(valueOfField(FIELD.span.parentSpanId)),
    name: cutText(NAME_MAX_CHARS).parse(textOf(valueOfField(FIELD.span.name))),
    start: timeOf(nanos(valueOfField(FIELD.span.start))),
    end: timeOf(nanos(valueOfField(FIELD.span.end))),
    status: statusOf(typeof code === 'number' ? code : undefined),
    attributes: attributesIn(all, FIELD.span.attributes),
    resource,
  };
}

function attributesIn(all: readonly Field[], number: number): Attributes {
  const found = new Map<string, AttributeValue>();
  for (const pair of messages(all, number)) {
    const parts = [...fields(pair)];
    const value = parts.find((field) => field.number === FIELD.keyValue.value)?.value;
    const attribute = value instanceof Uint8Array ? valueIn([...fields(value)]) : undefined;
    const key = textOf(parts.find((field) => field.number === FIELD.keyValue.key)?.value);
    if (attribute !== undefined && key.length <= KEY_MAX_CHARS) found.set(key, attribute);
  }
  return found;
}

function valueIn([field]: readonly Field[]): AttributeValue | undefined {
  if (field === undefined) return undefined;
  const { number, value } = field;
  if (number === FIELD.anyValue.string && value instanceof Uint8Array) return textOf(value);
  if (number === FIELD.anyValue.bool && typeof value === 'number') return value !== 0;
  if (number === FIELD.anyValue.int && typeof value === 'number') return value;
  if (number === FIELD.anyValue.double && value instanceof DataView && value.byteLength === 8)
    return value.getFloat64(0, true);
  return undefined;
}

function* messages(all: Iterable<Field>, fieldNumber: number): Generator<Uint8Array> {
  for (const { number, value } of all) if (number === fieldNumber && value instanceof Uint8Array) yield value;
}

function textOf(value: Field['value'] | undefined): string {
  const text = value instanceof Uint8Array ? utf8Text(value) : '';
  if (text === undefined) throw new TracesUnreadable('a text is not UTF-8');
  return text;
}

function requireWithinLimit(spans: number): void {
  if (spans > SPANS_MAX)
    throw new TracesUnreadable(`more than ${SPANS_MAX} spans in one request. Send smaller batches`);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TracesUnreadable(error instanceof Error ? error.message : 'the body is not JSON');
  }
}

/** What an export did not store. Nothing: `rejected` is 0 and the message is empty. */
export type PartialSuccess = { rejected: number; message: string };

/** Returns the response in OTLP's JSON encoding. */
export const jsonResponse = ({ rejected, message }: PartialSuccess) =>
  rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: message } };

/** Returns the response in OTLP's protobuf encoding. */
export const protobufResponse = ({ rejected, message }: PartialSuccess): Uint8Array<ArrayBuffer> =>
  rejected === 0
    ? new Uint8Array(0)
    : new Uint8Array(
        lengthField(
          FIELD.exportResponse.partialSuccess,
          Buffer.concat([
            numberField(FIELD.partialSuccess.rejectedSpans, rejected),
            lengthField(FIELD.partialSuccess.errorMessage, Buffer.from(message)),
          ]),
        ),
      );

/** Returns a `google.rpc.Status` with a message in protobuf. OTLP uses no code of it. */
export const protobufStatus = (message: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(lengthField(FIELD.rpcStatus.message, Buffer.from(message)));
