import type { Alert, AlertSource } from '../../../schemas/alerts/sources/index.ts';
import {
  type Fault,
  type ParseResult,
  runSteps,
  type Steps,
  type Unreadable,
} from '../../../schemas/alerts/sources/parsed.ts';
import { utf8Text, wideCharset } from '../../../schemas/parsing/utf-8.ts';
import type { InTurns } from '../../stores/fair-turns.ts';

/**
 * Parses the body of a webhook as its source sends it.
 *
 * @param contentType empty: unknown
 * @param now milliseconds since the Unix epoch, for alerts without a start
 */
export const readPayload = (...input: Parameters<typeof payloadSteps>): ParseResult<Alert> =>
  runSteps(payloadSteps(...input));

/** Parses such a body in turns: one of the largest takes half a second. */
export async function readPayloadIn(
  inTurns: InTurns,
  ...input: Parameters<typeof payloadSteps>
): Promise<ParseResult<Alert>> {
  let result: ParseResult<Alert> | undefined;
  function* steps(): Steps<void> {
    result = yield* payloadSteps(...input);
  }
  await inTurns(steps(), () => undefined);
  if (result === undefined) throw new Error('the last step has no result');
  return result;
}

function* payloadSteps(
  source: AlertSource,
  contentType: string,
  body: Uint8Array,
  now: number,
): Steps<ParseResult<Alert>> {
  if (contentType !== '' && !/^application\/([\w.+-]+\+)?json\b/i.test(contentType)) {
    return refuse(415, 'not-json-content-type', `content type is ${contentType.slice(0, 100)}; send application/json`);
  }
  const charset = wideCharset(contentType);
  if (charset !== undefined) return refuse(415, 'not-json-content-type', `the charset is ${charset}; send UTF-8`);
  if (body[0] === 0x1f && body[1] === 0x8b)
    return refuse(400, 'not-json', 'the body is compressed with gzip; send it uncompressed');
  const text = utf8Text(body);
  if (text === undefined) return refuse(400, 'not-json', 'the body is not UTF-8');
  return yield* source.steps(text, () => now);
}

const refuse = (status: Fault['status'], code: Fault['code'], detail: string): ParseResult<Alert> => ({
  ok: false,
  fault: { status, code, detail },
});

/** Returns the number of alerts in parts of a payload that could not be parsed. */
export const alertsIn = (unreadable: readonly Unreadable[]): number =>
  unreadable.reduce((sum, { alerts }) => sum + alerts, 0);
