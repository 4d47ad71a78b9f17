import { describe, expect, test } from 'vitest';
import { exchange, send, start } from '../support.ts';

const REFUSALS = [
  'create-issue-text',
  'create-issue-label',
  'create-issue-project',
  'create-issue-summary',
  'search-removed',
  'search-unbounded',
  'transition-not-a-number',
  'transition-not-available',
  'issue-not-found',
];

describe('the stand-in for Jira', () => {
  test('answers and refuses as Jira does', async () => {
    const { urls } = await start();
    const created = exchange('jira/create-issue');
    const answer = await send(urls.jira, created);
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({
      id: '10000',
      key: 'ED-1',
      self: `${urls.jira}/rest/api/3/issue/10000`,
    });
    for (const name of REFUSALS) {
      const refusal = exchange(`jira/${name}`);
      const refused = await send(urls.jira, refusal);
      expect([name, refused.status, await refused.json()]).toEqual([
        name,
        refusal.response.status,
        JSON.parse(refusal.response.body),
      ]);
    }
  });

  test('refuses calls without an email address and a token', async () => {
    const { urls } = await start();
    const created = exchange('jira/create-issue');
    for (const authorization of ['', 'Bearer jira-token', `Basic ${Buffer.from('jira-token').toString('base64')}`]) {
      const { request } = created;
      const headers = { ...request.headers, authorization };
      expect((await send(urls.jira, { ...created, request: { ...request, headers } })).status).toBe(401);
    }
  });

  test('offers only the transitions of the current status', async () => {
    const { urls } = await start();
    await send(urls.jira, exchange('jira/create-issue'));
    const { headers } = exchange('jira/create-issue').request;
    const url = `${urls.jira}/rest/api/3/issue/ED-1/transitions`;
    const offered = async () => {
      const body = (await (await fetch(url, { headers })).json()) as { transitions: { id: string }[] };
      return body.transitions.map(({ id }) => id);
    };
    const move = async (id: string) =>
      (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ transition: { id } }) })).status;
    expect(await offered()).toEqual(['21', '31']);
    expect([await move('31'), await move('31'), await offered()]).toEqual([204, 400, ['41']]);
    expect([await move('41'), await offered()]).toEqual([204, ['21', '31']]);
  });
});
