import { describe, expect, test } from 'vitest';
import { ResponseFile } from '../../../schemas/incidents/response.ts';

const hook = { url: 'https://pager.example.com/hook', signature: 'HOOK_SECRET' };
const why = (file: unknown) =>
  ResponseFile.safeParse(file).error?.issues.map(({ path, message }) => [path.join('.'), message]);

test('a file that says nothing asks when somebody resolves at PagerDuty, escalates nothing, and tells nobody', () => {
  expect(ResponseFile.parse({})).toMatchObject({
    pagerduty: { resolve: 'ask', changeEvents: false },
    webhooks: [],
  });
  expect(ResponseFile.parse({}).escalation).toBeUndefined();
});

test('what is not said has its default', () => {
  expect(ResponseFile.parse({ escalation: {}, webhooks: [hook] })).toMatchObject({
    escalation: { afterMinutes: 10, how: 'page-again', times: 3 },
    webhooks: [{ events: ['incident.opened', 'incident.changed', 'incident.resolved'], format: 'firebreak' }],
  });
});

describe('refused is', () => {
  test.each<[string, unknown, string]>([
    ['a receiver that could not tell who sends', { webhooks: [{ url: hook.url }] }, 'webhooks.0.signature'],
    ['an address twice', { webhooks: [hook, { ...hook, format: 'teams' }] }, 'webhooks.1.url'],
    ['an address that is no URL', { webhooks: [{ ...hook, url: 'pager' }] }, 'webhooks.0.url'],
    ['an event that there is not', { webhooks: [{ ...hook, events: ['incident.exploded'] }] }, 'webhooks.0.events.0'],
    ['an escalation at once', { escalation: { afterMinutes: 0 } }, 'escalation.afterMinutes'],
    ['a key that there is not', { pagerduty: { resolves: 'ask' } }, 'pagerduty'],
  ])('%s', (_, file, path) => {
    expect(why(file)).toEqual([[path, expect.any(String)]]);
  });
});

test('a workflow of Teams needs no secret: its address is one', () => {
  expect(ResponseFile.safeParse({ webhooks: [{ url: hook.url, format: 'teams' }] }).success).toBe(true);
});
