import type { Alert, AlertSource } from '../../../schemas/alerts/sources/index.ts';
import {
  type Fault,
  type ParseResult,
  runSteps,
  type Steps,
  type Unreadable,
} from '../../../schemas/alerts/sources/parsed.ts';
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
  if (body[0] === 0x1f && body[1] === 0x8b)
    return refuse(400, 'not-json', 'the body is compressed with gzip; send it uncompressed');
  const text = utf8(body);
  if (text === undefined) return refuse(400, 'not-json', 'the body is not UTF-8');
  return yield* source.steps(text, () => now);
}

/** Returns the text, or undefined if the bytes are not valid UTF-8: such a body must not be repaired silently. */
function utf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

const refuse = (status: Fault['status'], code: Fault['code'], detail: string): ParseResult<Alert> => ({
  ok: false,
  fault: { status, code, detail },
});

/** Returns the number of alerts in parts of a payload that could not be parsed. */
export const alertsIn = (unreadable: readonly Unreadable[]): number =>
  unreadable.reduce((sum, { alerts }) => sum + alerts, 0);
