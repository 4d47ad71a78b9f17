import { describe, expect, test } from 'vitest';
import { exchange, folder, send, start } from '../support.ts';

type Vendor = 'grafana' | 'jira' | 'argo-cd';

/** Documented exchanges in an order in which each one is valid. */
const DOCUMENTED: [Vendor, string][] = [
  ['grafana', 'annotations-create'],
  ['grafana', 'annotations-create-region'],
  ['grafana', 'annotations-patch'],
  ['jira', 'create-issue-text'],
  ['jira', 'create-issue-label'],
  ['jira', 'create-issue-project'],
  ['jira', 'create-issue-summary'],
  ['jira', 'search-removed'],
  ['jira', 'search-unbounded'],
  ['jira', 'create-issue'],
  ['jira', 'transition-not-a-number'],
  ['jira', 'transition-not-available'],
  ['jira', 'issue-not-found'],
];

describe('documented exchanges', () => {
  test('have the documented responses', async () => {
    const { urls } = await start();
    for (const [vendor, name] of DOCUMENTED) {
      const documented = exchange(`${vendor}/${name}`);
      const answer = await send(urls[vendor], documented);
      const body = JSON.parse(documented.response.body) as object;
      expect([name, answer.status, await answer.json()]).toEqual([
        name,
        documented.response.status,
        'self' in body ? { ...body, id: '10000', key: 'ED-1', self: `${urls.jira}/rest/api/3/issue/10000` } : body,
      ]);
    }
  });

  test.each<[Vendor | 'launchdarkly', string, string[]]>([
    ['grafana', '/api/annotations', ['', 'Bearer ', 'Basic YWRtaW46YWRtaW4=']],
    ['jira', '/rest/api/3/myself', ['', 'Bearer jira-token', 'Basic amlyYS10b2tlbg==']],
    ['launchdarkly', '/api/v2/auditlog', ['', 'Bearer api-01234567-89ab-cdef-0123-456789abcdef']],
  ])('%s refuses other credentials than its own kind', async (vendor, path, tokens) => {
    const { urls } = await start();
    for (const authorization of tokens)
      expect([authorization, (await fetch(urls[vendor] + path, { headers: { authorization } })).status]).toEqual([
        authorization,
        401,
      ]);
  });

  test('keep their effects across a restart', async () => {
    const dir = folder();
    const first = await start({ dir });
    const created = exchange('jira/create-issue');
    await send(first.urls.jira, created);
    await first.close();
    const { urls } = await start({ dir });
    const { headers } = created.request;
    const moves = async (id: string) => {
      const url = `${urls.jira}/rest/api/3/issue/ED-1/transitions`;
      const body = JSON.stringify({ transition: { id } });
      return (await fetch(url, { method: 'POST', headers, body })).status;
    };
    expect([await moves('31'), await moves('31'), await moves('41')]).toEqual([204, 400, 204]);
  });

  test('of a collector check the spans', async () => {
    const { urls } = await start();
    const span = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      name: 'rollback',
      startTimeUnixNano: '1',
      endTimeUnixNano: '2',
    };
    const status = async (change: object, type = 'application/json') => {
      const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, ...change }] }] }] });
      return (
        await fetch(`${urls.opentelemetry}/v1/traces`, { method: 'POST', headers: { 'content-type': type }, body })
      ).status;
    };
    expect([await status({}), await status({ spanId: '00' }), await status({}, 'text/plain')]).toEqual([200, 400, 415]);
  });
});
