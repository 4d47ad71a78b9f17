import { describe, expect, test } from 'vitest';
import { sandboxGuard } from '../../core/guard.ts';

/* Tests which sandbox actions are allowed without a key once Firebreak is connected to a real system. */

const at = (method: string, path: string, headers: Record<string, string> = {}) =>
  new Request(`http://127.0.0.1:8080${path}`, { method, headers });

const guardOf = (...real: string[]) => sandboxGuard({ adminToken: 'the-admin-token', real: () => real });

test('no key is needed while all vendors are stand-ins', () => {
  expect(guardOf().refusal(at('POST', '/sandbox/slack/commands'))).toBeUndefined();
});

describe('with a real system', () => {
  const guard = guardOf('PagerDuty pages');
  const key = new URL(guard.pageAt('http://127.0.0.1:8080')).hash.replace('#key=', '');

  test.each([
    ['GET', '/sandbox'],
    ['GET', '/sandbox/calls'],
    ['HEAD', '/sandbox/state'],
    ['PUT', '/sandbox/faults'],
    ['DELETE', '/sandbox/faults'],
  ])('%s %s stays open', (method, path) => {
    expect(guard.refusal(at(method, path))).toBeUndefined();
  });

  test.each([
    ['POST', '/sandbox/slack/commands'],
    ['POST', '/sandbox/%73lack/commands'],
    ['POST', '/sandbox/pagerduty/incidents/Q1/resolve'],
    ['PUT', '/sandbox/prometheus/series'],
    ['PUT', '/sandbox/faults/../slack/channels'],
  ])('%s %s requires the key of this start, or the admin token', async (method, path) => {
    const refused = guard.refusal(at(method, path));
    expect(refused?.status).toBe(403);
    expect(await refused?.json()).toMatchObject({ detail: expect.stringMatching(/real systems \(PagerDuty pages\)/) });
    const other = new URL(guardOf('x').pageAt('http://x')).hash.replace('#key=', '');
    for (const wrong of [{ 'x-sandbox-key': other }, { 'x-sandbox-key': '' }, { authorization: 'Bearer x' }])
      expect(guard.refusal(at(method, path, wrong))?.status).toBe(403);
    for (const right of [{ 'x-sandbox-key': key }, { authorization: 'Bearer the-admin-token' }])
      expect(guard.refusal(at(method, path, right))).toBeUndefined();
  });
});
