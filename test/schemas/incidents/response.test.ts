import { describe, expect, test } from 'vitest';
import { ResponseFile } from '../../../schemas/incidents/response.ts';

const hook = { url: 'https://pager.example.com/hook', signature: 'HOOK_SECRET' };
const why = (file: unknown) =>
  ResponseFile.safeParse(file).error?.issues.map(({ path, message }) => [path.join('.'), message]);

test('defaults: asks when a person resolves at PagerDuty, does not escalate, and notifies no one', () => {
  expect(ResponseFile.parse({})).toMatchObject({
    pagerduty: { resolve: 'ask', changeEvents: false },
    webhooks: [],
  });
  expect(ResponseFile.parse({}).escalation).toBeUndefined();
});

test('omitted keys have defaults', () => {
  expect(ResponseFile.parse({ escalation: {}, webhooks: [hook] })).toMatchObject({
    escalation: { afterMinutes: 10, how: 'page-again', times: 3 },
    webhooks: [{ events: ['incident.opened', 'incident.changed', 'incident.resolved'], format: 'firebreak' }],
  });
});

describe('refused', () => {
  test.each<[string, unknown, string]>([
    ['a receiver without a signature', { webhooks: [{ url: hook.url }] }, 'webhooks.0.signature'],
    ['a duplicate address', { webhooks: [hook, { ...hook, format: 'teams' }] }, 'webhooks.1.url'],
    ['an address that is not a URL', { webhooks: [{ ...hook, url: 'pager' }] }, 'webhooks.0.url'],
    ['an unknown event', { webhooks: [{ ...hook, events: ['incident.exploded'] }] }, 'webhooks.0.events.0'],
    ['an immediate escalation', { escalation: { afterMinutes: 0 } }, 'escalation.afterMinutes'],
    ['an unknown key', { pagerduty: { resolves: 'ask' } }, 'pagerduty'],
  ])('%s', (_, file, path) => {
    expect(why(file)).toEqual([[path, expect.any(String)]]);
  });
});

test('a Teams workflow needs no secret, because its address is one', () => {
  expect(ResponseFile.safeParse({ webhooks: [{ url: hook.url, format: 'teams' }] }).success).toBe(true);
});
