import { withPorts } from '../ports.ts';
import { expect, test } from 'vitest';
import { api } from '../../../entrances/http/app.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { FakeWorld } from '../../../test/support/fake-deps.ts';
import { webhook } from '../../../test/support/webhooks.ts';

const ID = '01K0000000000000000000000A' as IncidentId;

test('a signed webhook of Jira marks the incident of the action item, and nothing else does', async () => {
  const world = new FakeWorld();
  const secrets: Record<string, string> = { JIRA_WEBHOOK_SECRET: 'jira-webhook-secret' };
  const deps = { ...world.deps, secrets: { get: async (name: string) => secrets[name] } };
  const { path, headers, body } = webhook('jira/issue-updated');
  const send = async (changed: { headers?: Record<string, string>; body?: string } = {}) => {
    const sent = { ...headers, ...changed.headers };
    const response = await api(deps).request(path, { method: 'POST', headers: sent, body: changed.body ?? body });
    return { status: response.status, body: await response.json() };
  };
  const { actionItemIssues } = withPorts(world.deps);
  expect(await send()).toEqual({
    status: 202,
    body: { ignored: 'jira:issue_updated: not the issue of an action item' },
  });
  await actionItemIssues.write({ incident_id: ID, rev: 1, busy_until: null, links: [] }, [
    { tracker: 'jira', id: '99291' },
  ]);
  expect(await send({ headers: { 'x-hub-signature': `sha256=${'0'.repeat(64)}` } })).toMatchObject({ status: 401 });
  expect(await send({ body: `${body} ` })).toMatchObject({ status: 401 });
  expect(await actionItemIssues.marks()).toEqual([]);
  for (let times = 0; times < 2; times += 1) expect(await send()).toEqual({ status: 202, body: { recorded: '99291' } });
  expect((await actionItemIssues.marks()).map(({ id }) => id)).toEqual([ID]);
  delete secrets['JIRA_WEBHOOK_SECRET'];
  expect(await send()).toMatchObject({ status: 401 });
});
