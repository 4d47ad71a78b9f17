import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { causeOf, causeWords } from '../../../../core/domain/paging/page-causes.ts';
import { pageDetailsOf } from '../../../../core/domain/paging/page-details.ts';
import { channelLink } from '../../../../core/domain/paging/page-links.ts';
import type { Story } from '../../../../core/domain/messages/story.ts';
import type { DecisionView } from '../../../../schemas/incidents/incident.ts';
import type { Message } from '../../../../schemas/incidents/inbox.ts';
import type { ChangeId, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';
import { INCIDENT, NOON } from '../../arbitraries.ts';
import { anyStory, incident, story } from '../../stories.ts';
import { runs } from '../../../support/runs.ts';

const question = (more: Partial<DecisionView> = {}): DecisionView => ({
  id: `${INCIDENT}-2`,
  kind: 'approve',
  because: 'mode_approve',
  at: NOON,
  digest: 'digest',
  state: 'waiting',
  from_version: 'v2' as Version,
  to_version: 'v1' as Version,
  reasons: [{ code: 'mode_approve', text: 'automation is in mode approve' }],
  answered_by: null,
  target: null,
  approvals: { needed: 1, given: [] },
  ...more,
});

const suspects = ['v2', 'v3', 'v4', 'v5'].map((version) => ({
  change_id: `chg_${'0'.repeat(26)}` as ChangeId,
  version: version as Version,
  confidence: 0.914,
  reasons: ['finished 3 minutes before', 'errors of v2 alone'],
}));

const details = (more: Partial<Story> = {}, reason: string | null = null) => pageDetailsOf(story(more), reason);

const INHIBITED = { by: 'inhibition', name: 'the cause', until: null, reason: 'the cause fires' } as const;

describe('a page contains', () => {
  const firing = signal({
    title: 'errors above 5 %',
    labels: [['alertname', 'HighErrorRatio']],
    annotations: [['description', 'since the last deploy']],
    startsAt: plusSeconds(NOON, -300),
    links: { runbook: 'https://wiki.test/r', dashboard: 'https://grafana.test/d', source: null },
  });

  test.each<[string, object, object]>([
    [
      'the descriptions of the alerts',
      details({ signals: [firing] }),
      { problem: ['HighErrorRatio: errors above 5 %: since the last deploy'] },
    ],
    [
      'the time of a value, of the start of the alert or of the newest repetition',
      details({
        signals: [
          { ...firing, title: 'errors at 16 %' },
          { ...firing, title: 'errors at 41 %', rewordedAt: NOON },
        ],
      }),
      {
        problem: [
          'HighErrorRatio: errors at 16 %: since the last deploy (at 2026-11-20 11:55 UTC)',
          'HighErrorRatio: errors at 41 %: since the last deploy (at 2026-11-20 12:00 UTC)',
        ],
      },
    ],
    [
      'no alert that another one inhibits',
      details({ signals: [{ ...firing, title: 'a consequence', mute: INHIBITED }, firing] }),
      { problem: ['HighErrorRatio: errors above 5 %: since the last deploy'] },
    ],
    ['since when the first alert fires', details({ signals: [firing] }), { since: '2026-11-20 11:55 UTC' }],
    [
      'how many more alerts fire',
      details({ signals: [firing], incident: incident({ firing: 7 }) }),
      { problem: [expect.any(String), 'and 6 more alerts'] },
    ],
    ['its title if no alert is known', details(), { problem: ['errors'], since: '2026-11-20 12:00 UTC' }],
    [
      'the runbook and the dashboard',
      details({ signals: [firing] }),
      { runbook: 'https://wiki.test/r', dashboard: 'https://grafana.test/d' },
    ],
    [
      'that nothing is decided yet',
      details(),
      {
        next_step: 'Look at checkout in production.',
        why_not_automatic: 'No decision yet.',
        suspects: 'not known yet',
      },
    ],
    [
      'that no change is suspected',
      details({ decisions: [question({ kind: 'none', state: 'final' })] }),
      { suspects: 'no known change is a probable cause' },
    ],
    [
      'the likeliest suspects with confidence',
      details({ incident: incident({ suspects }) }),
      { suspects: ['v2', 'v3', 'v4'].map((version) => `${version}, 91 %: finished 3 minutes before`) },
    ],
    [
      'what speaks against a suspect',
      details({
        incident: incident({
          suspects: suspects
            .slice(0, 1)
            .map((one) => ({ ...one, reasons: ['near', 'far', 'against it: v4 had replaced it', 'against it: old'] })),
        }),
      }),
      { suspects: ['v2, 91 %: near; against it: v4 had replaced it'] },
    ],
    [
      'the question, with its number and how to answer',
      details({ decisions: [question()] }),
      {
        next_step: 'Roll back from v2 to v1? Approve or reject.',
        why_not_automatic: 'Asks because automation is in mode approve.',
        answer: `Question 2: firebreak incident approve ${INCIDENT} 2, or the buttons in Slack`,
      },
    ],
    ['why it is sent', details({}, 'The rollback failed: no'), { page_reason: 'The rollback failed: no' }],
    ['its channel', details({ incident: incident({ channel: '#incident-1' }) }), { channel: '#incident-1' }],
    ['the location of the incident', details(), { api: `GET /v1/incidents/${INCIDENT}` }],
    [
      'its child incidents',
      details({
        incident: incident({ group_reason: { because: 'many', name: '', text: 'many at once' } }),
        children: [{ ...incident(), service: 'billing' }],
        childCount: 3,
      }),
      { problem: ['many at once', 'billing production: errors (open)', 'and 2 more'] },
    ],
  ])('%s', (_, said, expected) => {
    expect(said).toMatchObject(expected);
  });

  test('no suspects if there can be none, and no question while automation is paused', () => {
    const groupReason = { because: 'many', name: '', text: '' } as const;
    expect(details({ incident: incident({ group_reason: groupReason }) })).not.toHaveProperty('suspects');
    const paused = details({ incident: incident({ automation_paused: true }), decisions: [question()] });
    expect(paused).not.toHaveProperty('answer');
    expect(paused).toMatchObject({
      next_step: 'Resume automation, then answer: Roll back from v2 to v1?',
      why_not_automatic: 'Does not act because automation of this incident is paused.',
    });
  });

  test('short, nonempty texts for any incident', () => {
    fc.assert(
      fc.property(anyStory, (any) => {
        const texts = Object.values(pageDetailsOf(any, null)).flat();
        for (const text of texts) expect(text.length).toBeLessThanOrEqual(2000);
        expect(texts.join('\n')).not.toMatch(/undefined|null|NaN|\[object/);
      }),
      { numRuns: runs(50) },
    );
  });
});

describe('the reason for a page', () => {
  const before = { severity: 'critical', mitigated: false, pagedAgain: false, resolveBy: null } as const;
  const signals: Message = { kind: 'signals', fired: 1, resolved: 0, critical: true, requestsRollback: false };
  const words = (message: Message, more: object = {}) => causeWords([causeOf(message, { ...before, ...more })], []);

  test.each<[string, Message, object, string]>([
    ['a critical alert', signals, { severity: 'warning' }, 'A critical alert was added'],
    ['an alert that pages', signals, {}, 'An alert with a page route was added'],
    ['alerts after a mitigation', signals, { mitigated: true }, 'Alerts are firing again after the mitigation'],
    [
      'alerts after a wish to resolve',
      signals,
      { resolveBy: 'person:ada' },
      'Alerts have fired since ada resolved the incident',
    ],
    [
      'more unknown services',
      { ...signals, again: true },
      {},
      'Alerts of more services outside the catalogue are firing',
    ],
    [
      'a raised severity',
      { kind: 'severity', severity: 'critical', by: 'person:ada' },
      {},
      'ada raised the severity to critical',
    ],
    ['a person', { kind: 'page', by: 'person:ada', note: 'all is slow' }, {}, 'ada requested a page: all is slow'],
    ['a person without words', { kind: 'page', by: 'ada', note: '' }, {}, 'ada requested a page'],
    ['a question', { kind: 'page', by: 'firebreak', note: 'a rollback waits' }, {}, 'A rollback waits'],
    [
      'a page that nobody acknowledges',
      { kind: 'page', by: 'escalation', note: 'Nobody has acknowledged page 1' },
      {},
      'Nobody has acknowledged page 1',
    ],
    ['a runbook', { kind: 'page', by: 'runbook cache', note: 'look' }, {}, 'runbook cache requested a page: look'],
    [
      'a part',
      { kind: 'page', by: 'incident:1', note: 'again for billing' },
      {},
      'A child incident pages again for billing',
    ],
    [
      'a failed rollback',
      { kind: 'mitigation', number: 1, outcome: 'failed', page: 'again' },
      {},
      'The rollback failed',
    ],
    [
      'a failed verification',
      { kind: 'verification', number: 1, outcome: 'failed' },
      {},
      'The mitigation did not help',
    ],
  ])('%s', (_, message, more, expected) => {
    expect(words(message, more)).toBe(expected);
  });

  test("has details from Firebreak's newest timeline entries, without duplicates", () => {
    const entry = (kind: string, text: string, actor = 'firebreak') => ({
      position: '1',
      entry: { at: NOON, actor, kind, text, detail: null },
    });
    const timeline = [
      entry('mitigation.failed', 'The rollback failed: exit 1'),
      entry('mitigation.failed', 'The rollback failed: exit 2'),
      entry('mitigation.failed', 'forged', 'token:notes'),
      entry('verification.failed', 'Not healthy: 0.4, above 0.01'),
    ];
    const failed = causeOf({ kind: 'mitigation', number: 1, outcome: 'failed', page: 'again' }, before);
    const unhelpful = causeOf({ kind: 'verification', number: 1, outcome: 'failed' }, before);
    expect(causeWords([failed, failed, unhelpful], timeline)).toBe(
      'The rollback failed: exit 2; The mitigation did not help: Not healthy: 0.4, above 0.01',
    );
  });
});

test('a page links to the channel by its ID, once there is one', () => {
  expect(channelLink(incident())).toBeNull();
  expect(channelLink(incident({ channel: '#incident-1', channel_id: 'C0123' }))).toEqual({
    href: 'https://slack.com/app_redirect?channel=C0123',
    text: 'Slack #incident-1',
  });
});
