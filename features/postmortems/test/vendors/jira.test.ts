import { describe, expect, test } from 'vitest';
import type { IssueTracker } from '../../decisions/issues.ts';
import { jiraTracker } from '../../vendors/jira/action-item-issues.ts';
import { checkJira } from '../../vendors/jira/rest.ts';
import { JiraEvent, jiraSignature } from '../../vendors/jira/webhook.ts';
import { jiraAccess } from '../actions/tracker-world.ts';
import { start } from '../../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../../../test/support/fake-deps.ts';
import { webhook } from '../../../../test/support/webhooks.ts';
import { type Reply, vendor } from '../../../../test/vendors/server.ts';
import { recorded, respondsAsAgreed, sent } from '../../../../test/vendors/vendor-responses.ts';

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const at = (url: string): IssueTracker =>
  jiraTracker(jiraAccess(url, clock), { project: 'OPS', issueType: 'Task', labels: [] });

const issue = { id: '10000', key: 'OPS-1', url: 'https://acme.atlassian.net/browse/OPS-1' };
const facts = { rows: [['Service', 'checkout production']] as const, link: 'https://firebreak.example.com/x' };
const fresh = { key: '01K-0123abcd', title: 'Alert\nsooner', facts, assignee: null };

describe('each call', () => {
  respondsAsAgreed({
    read: {
      find: (url) => at(url).find('k'),
      read: (url) => at(url).read(issue),
      'change, which looks at the text first': (url) =>
        at(url).change(issue, { facts: { key: 'k', facts, before: facts } }),
      check: (url) => checkJira(jiraAccess(url, clock)),
    },
    write: {
      create: (url) => at(url).create(fresh),
      change: (url) => at(url).change(issue, { title: 'Alert at once' }),
    },
  });

  test('has the credentials of a person, and an issue has the key as a label', async () => {
    const { url, received } = await vendor(recorded('jira/create-issue'));
    expect(await at(url).create(fresh)).toEqual({
      kind: 'done',
      value: { id: '10000', key: 'ED-1', url: `${url}/browse/ED-1`, note: null },
    });
    expect(received[0]?.headers['authorization']).toBe(
      `Basic ${Buffer.from('firebreak@example.com:jira-token').toString('base64')}`,
    );
    expect(sent(received)).toMatchObject([
      {
        fields: {
          project: { key: 'OPS' },
          issuetype: { name: 'Task' },
          summary: 'Alert sooner',
          labels: ['firebreak', 'firebreak-01K-0123abcd'],
          description: { type: 'doc', version: 1 },
        },
      },
    ]);
  });

  test('shows which field Jira refuses', async () => {
    const { url } = await vendor(recorded('jira/create-issue-label'));
    const detail = expect.stringContaining("labels: The label 'Severity: high' contains spaces which is invalid.");
    expect(await at(url).create(fresh)).toMatchObject({ kind: 'refused', code: 'bad_request', detail });
  });

  test('is off without an address, an email address, or a token', async () => {
    for (const missing of ['url', 'email', 'token'] as const) {
      const access = { ...jiraAccess('http://127.0.0.1:9', clock), [missing]: async () => undefined };
      expect(await checkJira(access)).toMatchObject({ kind: 'off' });
    }
  });
});

test('a workflow without a way to a done status is a problem that people can read', async () => {
  const none: Reply = { body: JSON.stringify({ transitions: [] }) };
  const { url, received } = await vendor(none);
  expect(await at(url).change(issue, { done: true })).toEqual({
    kind: 'refused',
    code: 'no_transition',
    detail: 'the workflow of OPS-1 offers no transition to a done status now',
  });
  expect(received.map(({ method }) => method)).toEqual(['GET']);
});

test('the stand-in accepts the credentials that the check sends', async () => {
  const { urls } = await start();
  expect(await checkJira(jiraAccess(urls.jira, clock))).toEqual({ kind: 'done', value: null });
});

test('a webhook is read if it has the signature of its bytes', () => {
  const secret = 'jira-webhook-secret';
  const { headers, body: text } = webhook('jira/issue-updated');
  const body = Buffer.from(text);
  const signature = headers['x-hub-signature'];
  const isValid = (of: Buffer, sentSignature: string | undefined, withSecret: string): boolean =>
    jiraSignature.isValid(of, () => sentSignature, withSecret, clock.now());
  expect(isValid(body, signature, secret)).toBe(true);
  expect(JiraEvent.parse(JSON.parse(text))).toEqual({
    webhookEvent: 'jira:issue_updated',
    issue: { id: '99291' },
  });
  expect(isValid(Buffer.from(`${text} `), signature, secret)).toBe(false);
  expect(isValid(body, signature, 'another')).toBe(false);
  expect(isValid(body, undefined, secret)).toBe(false);
  expect(isValid(body, signature, '')).toBe(false);
});
