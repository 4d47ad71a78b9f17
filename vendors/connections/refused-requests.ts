import type { Count } from '../../core/domain/incidents/metrics.ts';
import type { Counters } from '../../core/domain/ports/system.ts';
import type { CheckResult } from './check-result.ts';

/** How many kinds of refusals to name. */
const NAMED_MAX = 5;

/** Routes whose senders may drop what was refused: an Alertmanager with a wrong token only logs it. */
const RECEIVERS =
  /^\/(v1\/alerts\/|api\/v1\/rollback$|api\/annotations\b|integrations\/|v1\/(?:deployments|traces|pipelines)\b)/;

/** What the sender has to correct, with the status of the response, by its code. Others are named by their code. */
const CAUSES: Readonly<Record<string, readonly [status: number, cause: string]>> = {
  unauthorized: [401, 'wrong or missing token, or wrong signature'],
  forbidden: [403, 'the token does not allow it'],
  'body-too-large': [413, 'the body is too large'],
  'too-many-alerts': [413, 'too many alerts in one request'],
  'not-json': [400, 'the body is not JSON'],
  'not-json-content-type': [415, 'the content type is not application/json'],
  'unsupported-media-type': [415, 'wrong content type'],
  'unknown-version': [422, 'unknown version of the payload'],
  'wrong-shape': [422, 'the body has an unknown format'],
  invalid: [422, 'the request is invalid'],
  'too-many-requests': [429, 'too many requests'],
};

/** Reports the requests that were refused in the last hour: their senders may not notice, and their data is lost. */
export async function refusedRequests({ counters }: { counters: Counters }): Promise<CheckResult> {
  const refused = (await counters.read('last_hour'))
    .filter(({ name }) => name === 'firebreak_http_requests_refused_total')
    .toSorted((a, b) => Number(isReceiver(b)) - Number(isReceiver(a)) || b.by - a.by);
  if (refused.length === 0) return { state: 'set', detail: 'none in the last hour' };
  const more = refused.length - NAMED_MAX;
  const detail = [
    ...refused.slice(0, NAMED_MAX).map(textOf),
    ...(more > 0 ? [`${more} more in the metric firebreak_http_requests_refused_total`] : []),
  ].join('; ');
  // Anyone who reaches the address can cause refusals, so they don't make the check fail.
  return { state: 'incomplete', detail };
}

const isReceiver = ({ labels: [route = ''] }: Count): boolean => RECEIVERS.test(route);

function textOf({ labels: [route = '', reason = '', source = ''], by, example }: Count): string {
  const [status, usual] = CAUSES[reason] ?? [null, null];
  const cause = example === undefined ? usual : `${by === 1 ? '' : 'the last one: '}${example}`;
  // Its response accepts the request, so that few senders notice.
  const how = reason === 'partly-refused' ? 'partly refused' : `refused with ${status ?? reason}`;
  const sender = source === 'unknown' ? '' : ` from ${source}`;
  return (
    `${by} ${by === 1 ? 'request' : 'requests'} to ${route}${sender} ${how} in the last hour` +
    (cause === null ? '' : `: ${cause}`)
  );
}
