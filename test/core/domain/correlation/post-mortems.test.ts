import { describe, expect, test } from 'vitest';
import {
  MIN_CONFIDENCE_TO_ACT,
  correlate,
  MIN_CONFIDENCE_TO_ASK,
} from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { change } from '../../arbitraries.ts';
import { failing, of, own, scene } from './scenes.ts';

/** Times from the published post-mortems, in UTC, and other failing services as far as published. */
const at = (text: string): Timestamp => `${text}:00.000Z` as Timestamp;

const made = (version: string, from: string, to: string, more: Partial<Change> = {}): Change => ({
  ...change(version, 0, more),
  started_at: at(from),
  finished_at: at(to),
});

const alertAt = (text: string, more: Partial<Evidence>): Evidence =>
  scene({ at: at(text), onset: { alertStartedAt: at(text), rule: null }, ...more });

describe('public incidents', () => {
  /** @see https://blog.cloudflare.com/details-of-the-cloudflare-outage-on-july-2-2019/ */
  test('a firewall rule is deployed globally at 13:42, and the first page comes at 13:45: the rule is the suspect', () => {
    const rule = made('waf-rules', '2019-07-02T13:42', '2019-07-02T13:42', { kind: 'config' });
    const dependents = ['dashboard', 'api'].map((name) => ({
      ...failing(name, 'dependent'),
      since: at('2019-07-02T13:45'),
    }));
    const { suspects, verdict } = correlate(alertAt('2019-07-02T13:45', { changes: [own(rule)], failing: dependents }));
    expect(verdict).toBe('change');
    expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
  });

  /** @see https://www.fastly.com/blog/summary-of-june-8-outage */
  test('a bug deployed weeks ago is triggered by a customer at 09:47: no recent change is the cause', () => {
    const deploy = made('may-12', '2021-05-12T09:00', '2021-05-12T12:00');
    expect(correlate(alertAt('2021-06-08T09:48', { changes: [own(deploy)] }))).toMatchObject({
      suspects: [],
      verdict: 'no_change',
    });
  });

  /** @see https://github.blog/news-insights/company-news/oct21-post-incident-analysis/ */
  test('optical equipment is replaced at 22:52 and several clusters fail: the shared change is the suspect, and a person decides', () => {
    const since = at('2018-10-21T22:54');
    const network = made('optics', '2018-10-21T22:52', '2018-10-21T22:53', { kind: 'infrastructure' });
    const deploy = made('web-1', '2018-10-21T22:20', '2018-10-21T22:25');
    const { suspects } = correlate(
      alertAt('2018-10-21T22:54', {
        changes: [own(deploy), of('network', 'shared', network)],
        failing: ['webhooks', 'pages'].map((name) => ({ ...failing(name, 'unrelated'), since })),
      }),
    );
    expect(suspects.map(({ version }) => version)).toEqual(['optics', 'web-1']);
    expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(suspects[0]?.relation).toBe('shared');
  });

  /** @see https://blog.roblox.com/2022/01/roblox-return-to-service-10-28-10-31-2021/ */
  test('a feature was enabled the day before, and several services fail at 13:37: no recent change is the cause', () => {
    const streaming = made('consul-streaming', '2021-10-27T14:00', '2021-10-27T14:00', { kind: 'config' });
    const since = at('2021-10-28T13:37');
    const { suspects, verdict, doubts } = correlate(
      alertAt('2021-10-28T13:37', {
        changes: [of('consul', 'shared', streaming)],
        failing: [
          { ...failing('vault', 'unrelated'), since },
          { ...failing('traefik', 'unrelated'), since },
          { ...failing('consul', 'dependency'), since },
        ],
      }),
    );
    expect({ suspects, verdict }).toEqual({ suspects: [], verdict: 'no_change' });
    expect(doubts.map(({ code }) => code)).toEqual(['several_fail', 'dependency_failed_first', 'no_change_near']);
  });
});
