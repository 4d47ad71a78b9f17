import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { childOf } from '../../../../core/domain/incidents/lifecycle.ts';
import { statusWords } from '../../../../core/domain/incidents/status-words.ts';
import { detailsCard, summaryCard, teamLine, channelTopic } from '../../../../core/domain/messages/incident-card.ts';
import { incidentLines, nextStep, rollbackOf } from '../../../../core/domain/messages/incident-lines.ts';
import { entryMessage, hasMessage } from '../../../../core/domain/messages/entry-message.ts';
import { linesOf } from '../../../../core/domain/messages/decision-lines.ts';
import type { Child, Deciding } from '../../../../core/domain/messages/story.ts';
import {
  type ChatMessage,
  type ChatPart,
  type Span,
  type Text,
  utcWords,
} from '../../../../core/domain/messages/chat-message.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../../schemas/incidents/reason.ts';
import { INCIDENT } from '../../arbitraries.ts';
import type { IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';
import { before, change, clearing, NOON } from '../../arbitraries.ts';
import { anyEntry, anyStory, incident, story } from '../../stories.ts';
import { runs } from '../../../support/runs.ts';

const spanText = (span: Span): string =>
  typeof span === 'string'
    ? span
    : 'bold' in span
      ? span.bold
      : 'code' in span
        ? span.code
        : 'link' in span
          ? span.text
          : 'at' in span
            ? utcWords(span)
            : '#';

const words = (text: Text): string => text.map(spanText).join('');

function partText(part: ChatPart): string {
  if (part.kind === 'line') return '';
  if (part.kind === 'header') return part.text;
  if (part.kind === 'fields') return part.fields.map(({ name, value }) => `${name}: ${words(value)}`).join('\n');
  if (part.kind === 'buttons')
    return part.buttons.flatMap(({ text, confirm }) => [text, ...Object.values(confirm ?? {})]).join('\n');
  return words(part.text);
}

/** Returns all text that a person reads. */
const readable = ({ summary, parts }: ChatMessage): string =>
  [typeof summary === 'string' ? summary : words(summary), ...parts.map(partText)].join('\n');

const decision = (more: Partial<DecisionView> = {}): DecisionView => ({
  id: `${INCIDENT}-1`,
  kind: 'roll_back',
  because: 'suspect',
  at: NOON,
  digest: '0123456789abcdef',
  state: 'final',
  from_version: 'v2' as Version,
  to_version: 'v1' as Version,
  reasons: [{ code: 'suspect', text: 'v2 finished 3 minutes before' }],
  answered_by: null,
  target: null,
  approvals: { needed: 1, given: [] },
  ...more,
});

const rollback = (more: Partial<Effect> = {}): Effect => ({
  key: `${INCIDENT}.roll-back.1`,
  kind: 'roll-back',
  target: 'http://cd',
  class: 'keyed',
  state: 'succeeded',
  at: NOON,
  detail: 'Rolled back to v1',
  ...more,
});

const refusedPage = rollback({ key: `${INCIDENT}.page.1`, kind: 'page', state: 'failed', detail: 'Not paged: no' });

test('an incident in any state can be displayed, and always in the same way', () => {
  fc.assert(
    fc.property(anyStory, fc.option(fc.constant('C1'), { nil: null }), (any, channel) => {
      const messages = [summaryCard(any), teamLine(any, channel)];
      const said = [...messages.map(readable), words(channelTopic(any)), nextStep(any)];
      for (const text of said) {
        expect(text).not.toMatch(/undefined|null|NaN|\[object/);
        expect(text.trim()).not.toBe('');
      }
      expect([summaryCard(any), teamLine(any, channel)]).toEqual(messages);
      for (const { parts } of messages) expect(parts.length).toBeGreaterThan(0);
    }),
    { numRuns: runs(60) },
  );
});

test('any timeline entry can be displayed', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      expect(readable(entryMessage(entry))).not.toMatch(/undefined|null|\[object/);
      expect(readable(entryMessage(entry))).toContain(entry.text);
    }),
  );
});

test.each<[actor: string, detail: unknown, start: string]>([
  ['firebreak', { closed_as: 'verified' }, '✅ Resolved'],
  ['firebreak', null, '✅ Resolved'],
  ['person:ada', { closed_as: 'person' }, '☑️ person:ada: Resolved'],
  ['firebreak:quiet', { closed_as: 'unverified' }, '⚪ Resolved'],
  ['firebreak:quiet', null, '⚪ Resolved'],
])('the end by %s with %j is green only if the recovery is verified', (actor, detail, start) => {
  const shown = entryMessage({ at: NOON, actor, kind: 'incident.resolved', text: 'Resolved', detail });
  expect(shown.summary).toBe(start);
  expect(JSON.stringify(shown.parts)).not.toContain('firebreak:');
});

test('text from alerts never becomes a link or mention', () => {
  fc.assert(
    fc.property(anyStory, (any) => {
      const spans = [summaryCard(any), teamLine(any, null)].flatMap(({ parts }) =>
        parts.flatMap((part): Text =>
          part.kind === 'text' || part.kind === 'note'
            ? part.text
            : part.kind === 'fields'
              ? part.fields.flatMap(({ value }) => value)
              : [],
        ),
      );
      expect(spans.filter((span) => typeof span !== 'string' && ('link' in span || 'channel' in span))).toEqual([]);
    }),
  );
});

describe('the card', () => {
  const card = (more: Parameters<typeof story>[0]) => readable(summaryCard(story(more)));
  const details = (more: Parameters<typeof story>[0]) => readable(detailsCard(story(more)));

  test('shows the problem, its start, and its severity', () => {
    const text = card({ incident: incident({ firing: 2, signal_count: 3 }) });
    expect(text).toContain('🔴 critical, open: checkout production: errors');
    expect(text).toContain('critical · open · opened 2026-11-20 12:00 UTC\nCommander: unassigned');
    expect(text).toContain('Alerts 2 of 3 firing');
    expect(text).toContain(`Incident ${INCIDENT}`);
  });

  test('omits improbable suspects', () => {
    const suspect = (version: string, confidence: number) => ({
      change_id: change(version, 5).id,
      version: version as Version,
      confidence,
      reasons: ['new'],
    });
    const text = details({ incident: incident({ suspects: [suspect('v2', 0.9), suspect('v1', 0.09)] }) });
    expect(text).toContain('• v2 90 %');
    expect(text).not.toContain('v1');
    expect(details({ incident: incident({ suspects: [suspect('v1', 0.09)] }) })).not.toContain('v1');
  });

  test('names suspects with confidence and reasons', () => {
    const suspects = [
      { change_id: change('v2', 9).id, version: 'v2' as Version, confidence: 0.853, reasons: ['new', 'close'] },
    ];
    expect(details({ incident: incident({ suspects }) })).toContain('• v2 85 %: new');
    expect(details({ decisions: [decision({ kind: 'none' })] })).toContain('No known change is a probable cause');
    const undone = [decision({ kind: 'roll_back' }), decision({ kind: 'none', from_version: null })];
    expect(details({ decisions: undone })).toContain('No other known change could have caused this problem');
    expect(details({ decisions: undone.slice(1) })).toContain('No known change could have caused this problem');
    expect(details({})).not.toContain('Suspects');
  });

  test('shows clearings with their authors', () => {
    const [v2, v3] = [clearing(change('v2', 9)), clearing(change('v3', 5), { restored: { by: 'bo', at: before(-9) } })];
    expect(details({ incident: incident({ cleared: [v2] }) })).toContain(
      'No other known change could have caused this problem\nv2 was cleared by ada at 2026-11-20 12:03 UTC',
    );
    const suspects = [{ change_id: v3.change_id, version: v3.version, confidence: 0.6, reasons: ['new'] }];
    const text = details({ incident: incident({ suspects, cleared: [v2, v3] }) });
    expect(text).toContain('• v3 60 %: new\nv2 was cleared by ada');
    expect(text).not.toContain('v3 was cleared');
  });

  test('shows the result of automation for the newest judgement', () => {
    const text = card({
      decisions: [
        decision({ kind: 'suggest', reasons: [{ code: 'suspect', text: 'an old judgement' }] }),
        decision({ id: `${INCIDENT}-2` }),
      ],
      effects: [rollback({ detail: 'an older rollback' }), rollback({ key: `${INCIDENT}.roll-back.2` })],
    });
    expect(text).toContain('\nRolled back from v2 to v1.\nv2 finished 3 minutes before.\n');
    expect(text).not.toMatch(/older rollback|old judgement/);
  });

  test('names the candidates, and what to do about those that cannot be undone', () => {
    const reasons: Reason[] = [
      { code: 'no_confident_suspect', text: 'its probability of 50 % is below 80 %' },
      { code: 'candidates', text: 'candidates: deploy v2 of shop (50 %) and config c7 of shop (45 %)' },
      { code: 'by_hand', text: 'if configuration c7 is the cause, restore the previous configuration of shop' },
    ];
    expect(card({ decisions: [decision({ kind: 'approve', state: 'waiting', reasons })] })).toContain(
      'Candidates: deploy v2 of shop (50 %) and config c7 of shop (45 %).\nAsks because its probability of 50 % is below 80 %.\n',
    );
  });

  test('asks waiting decisions first, and once', () => {
    const reasons: Reason[] = [
      { code: 'migration_in_deploy', text: 'v2 has a migration' },
      { code: 'suspect', text: 'v2 finished 3 minutes before' },
    ];
    const text = card({ decisions: [decision({ kind: 'approve', state: 'waiting', reasons })] });
    expect(text).toContain(
      'Roll back from v2 to v1? Approve or reject.\nv2 finished 3 minutes before.\nAsks because v2 has a migration.\nRoll back to v1',
    );
    expect(text.match(/v2 finished/g)).toHaveLength(1);
  });

  test('shows the required and given approvals', () => {
    const two = (given: string[]) =>
      card({ decisions: [decision({ state: 'waiting', approvals: { needed: 2, given } })] });
    expect(two([])).toContain('Requires the approval of 2 people: none so far.');
    expect(two(['ada'])).toContain('Requires the approval of 2 people: 1 so far (ada).');
    expect(card({ decisions: [decision({ state: 'waiting' })] })).not.toContain('Requires the approval');
  });

  test('shows one result for a repeated decision', () => {
    const twice = [decision(), decision({ id: `${INCIDENT}-2` })];
    expect(card({ decisions: twice, effects: [rollback()] })).toContain('Rolled back from v2 to v1.');
    const further = [
      decision(),
      decision({ id: `${INCIDENT}-2`, from_version: 'v1' as Version, to_version: 'v0' as Version }),
    ];
    expect(card({ decisions: further, effects: [rollback()] })).toContain('Rolling back from v1 to v0.');
  });

  test('an earlier decision has no part in the rollback of a later one for the same versions', () => {
    const [first, second] = [decision(), decision({ id: `${INCIDENT}-2` })];
    const later = rollback({ key: `${INCIDENT}.roll-back.2` });
    const found = (one: DecisionView, effect: Effect) =>
      rollbackOf(one, { decisions: [first, second], effects: [effect] });
    expect(found(first, later)).toBeUndefined();
    expect(found(second, later)).toBe(later);
    expect(found(second, rollback())).toBeDefined();
  });

  test('distinguishes several decisions', () => {
    const question = 'Restart the cache';
    const both = [decision({ state: 'waiting' }), decision({ id: `${INCIDENT}-2`, state: 'waiting', question })];
    expect(card({ decisions: both })).toMatch(/Roll back from v2 to v1\? .*\(1\)[^]*Restart the cache\? .*\(2\)/);
  });

  test('explains how to answer a decision while automation is paused', () => {
    const waiting = decision({ kind: 'approve', state: 'waiting' });
    const text = card({ incident: incident({ automation_paused: true }), decisions: [waiting] });
    expect(text).toContain(
      'Resume automation, then answer: Roll back from v2 to v1?\nv2 finished 3 minutes before.\nDoes not act because automation of this incident is paused.',
    );
  });

  test.each([
    [decision({ kind: 'approve', state: 'approved', answered_by: 'ada' }), 'Approved by ada'],
    [decision({ kind: 'approve', state: 'rejected', answered_by: null }), 'Rejected by an unknown person'],
    [decision({ kind: 'approve', state: 'expired' }), 'Closed without an answer: roll back from v2'],
    [decision({ kind: 'suggest' }), 'Consider whether to roll back from v2 to v1.'],
    [decision({ kind: 'shadow' }), 'Look at checkout in production.'],
    [
      decision({ kind: 'shadow', would: { kind: 'roll_back', reasons: [{ code: 'suspect', text: 'v2 is new' }] } }),
      'Would have rolled back from v2 to v1 (shadow mode).\nv2 is new.',
    ],
    [
      decision({
        kind: 'shadow',
        would: {
          kind: 'approve',
          reasons: [
            { code: 'one_of_many', text: 'many fail' },
            { code: 'suspect', text: 'v2 is new' },
          ],
        },
      }),
      'Would have asked for approval to roll back from v2 to v1 (shadow mode).\nv2 is new.\nWould ask because many fail.',
    ],
    [decision({ kind: 'none', from_version: null, to_version: null }), 'Look at checkout in production.\nv2 finished'],
  ])('shows the result of a judgement: %#', (one, expected) => {
    expect(card({ decisions: [one] })).toContain(expected);
  });

  test('counts alerts with the same name, and marks firing ones', () => {
    const signals = [
      signal({ title: 'HighLatency' }),
      signal({ title: 'HighLatency', status: 'resolved' }),
      signal({ title: 'DiskFull', status: 'resolved' }),
    ];
    const text = details({ incident: incident({ signal_count: 45 }), signals });
    expect(text).toContain('🔥 HighLatency (1 of 2)');
    expect(text).toContain('✔️ DiskFull');
    expect(text).toContain('45 alerts in total');
    const short = card({ incident: incident({ signal_count: 3 }), signals });
    expect(short).toContain('🔥 HighLatency (1 of 2)\n3 alerts in total');
    expect(short).not.toContain('DiskFull');
  });

  test('lists the children of a parent, as many as fit', () => {
    const children = Array.from({ length: 30 }, (_, n) => ({
      id: INCIDENT as IncidentId,
      service: `s${n}`,
      environment: 'production',
      title: 'errors',
      severity: 'critical' as const,
      status: 'open' as const,
    }));
    const groupReason = { because: 'many', name: '', text: '31 incidents in 5 minutes' } as const;
    const group = { incident: incident({ group_reason: groupReason, firing: 31 }), children, childCount: 31 };
    const text = card(group);
    expect(text).toContain('Incidents 31 of 31 open');
    expect(text).toContain('s9 production errors (open)\nand 21 more');
    expect(text).not.toContain('s10 production');
    expect(details(group)).toContain('Why grouped\n• 31 incidents in 5 minutes');
    expect(details(group)).toContain('s29 production errors (open)\nand 1 more');
  });

  test('says the same about a child as the card of the child', () => {
    const child = incident({ status: 'mitigated', verification: 'passed' });
    const group = incident({ group_reason: { because: 'many', name: '', text: '' } });
    expect(details({ incident: group, children: [childOf(child)], childCount: 1 })).toContain('mitigated and verified');
    expect(card({ incident: child })).toContain('mitigated and verified');
  });

  test('counts the open children of a parent, even if the parent is resolved', () => {
    const groupReason = { because: 'many', name: '', text: '' } as const;
    const child = (service: string, status: IncidentRecord['status']): Child => ({
      id: INCIDENT as IncidentId,
      service,
      environment: 'production',
      title: 'errors',
      severity: 'critical',
      status,
    });
    const children = [child('cart', 'resolved'), child('search', 'mitigated'), child('ledger', 'open')];
    const over = incident({ group_reason: groupReason, status: 'resolved', resolved_at: NOON, firing: 0 });
    expect(card({ incident: over, children, childCount: 3 })).toContain('Incidents 2 of 3 open');
    const closing = incident({ group_reason: groupReason, status: 'resolved', resolved_at: NOON, firing: 9 });
    expect(card({ incident: closing, children, childCount: 60 })).toContain('Incidents 9 of 60 open');
  });

  test('shows that alerts are muted', () => {
    expect(card({ incident: incident({ muted: { text: 'Silenced in Alertmanager' } }) })).toContain(
      'Silenced in Alert',
    );
    expect(card({ incident: incident({ muted: null }) })).toMatch(new RegExp(`Incident ${INCIDENT}$`));
  });

  test('has one reason for and one against, and a button for the details', () => {
    const reasons: Reason[] = [
      { code: 'suspect', text: 'v2 finished 3 minutes before' },
      { code: 'migration_in_deploy', text: 'v2 has a migration' },
      { code: 'one_of_many', text: 'many fail' },
    ];
    const of = { decisions: [decision({ kind: 'approve', state: 'waiting', reasons })] };
    expect(card(of)).not.toContain('any fail');
    expect(card(of)).toContain('\nDetails\n');
    expect(details(of)).toContain('Reasons and options\n• Many fail.');
  });

  test('shows when and by whom it was resolved', () => {
    const over = { status: 'resolved', resolved_at: plusSeconds(NOON, 600) } as const;
    expect(card({ incident: incident(over) })).toContain('· resolved 2026-11-20 12:10 UTC\n');
    expect(card({ incident: incident({ ...over, resolved_by: 'person:ada' }) })).toContain('12:10 UTC by person:ada');
    expect(card({ incident: incident({ ...over, resolved_by: 'firebreak:quiet' }) })).toContain(
      '· closed, not verified 2026-11-20 12:10 UTC',
    );
  });
});

describe('the next step', () => {
  const groupReason = { because: 'many', name: '', text: '' } as const;
  const text = 'pay failed, and so did shop, which depends on it';
  const ofPay = { because: 'shared_dependency', name: 'pay', text } as const;
  const PAY = '01TEST00000000000000000002' as IncidentId;
  const payWith = (decisions: DecisionView[], more: Partial<IncidentRecord> = {}): Deciding => ({
    incident: incident({ id: PAY, service: 'pay' as ServiceName, ...more }),
    decisions,
    effects: [],
  });
  /** Returns the lines, and the details. */
  const step = (more: Parameters<typeof story>[0]) => {
    const lines = incidentLines(story(more));
    return [...linesOf(lines), ...lines.details].join('\n');
  };

  test.each([
    [
      'it is resolved',
      step({ incident: incident({ status: 'resolved' }), decisions: [decision({ state: 'waiting' })] }),
      /^None: the incident is resolved\. .*post-mortem/,
    ],
    [
      'the version that was rolled back is cleared',
      step({
        incident: incident({
          status: 'mitigated',
          verification: 'passed',
          cleared: [clearing(change('v2', 10))],
          firing: 0,
        }),
        decisions: [decision({ reasons: [{ code: 'suspect', text: 'Probable cause: v2 (99 %)' }] })],
        effects: [rollback()],
      }),
      /^Rolled back from v2 to v1\. Verified\.\nv2 was cleared by ada at 2026-\S+ 12:03 UTC\.$/,
    ],
    [
      'a question is waiting',
      step({ decisions: [decision({ state: 'waiting' })] }),
      /^Roll back from v2 to v1\? Approve or reject\.\n/,
    ],
    ['it is a child', step({ parent: { id: INCIDENT as IncidentId, channel: null } }), /parent incident first/],
    [
      'it is a parent',
      step({ incident: incident({ group_reason: groupReason }) }),
      /common cause[^]*before each rollback/,
    ],
    [
      'it is a child that was rolled back',
      step({
        incident: incident({ status: 'mitigated', verification: 'pending' }),
        parent: { id: INCIDENT as IncidentId, channel: null, group_reason: groupReason },
      }),
      /^Watch checkout in production/,
    ],
    [
      'it is the parent of a group of a dependency without a decision',
      step({ incident: incident({ group_reason: ofPay }) }),
      /^Look at pay in production first: pay failed, and so did shop, which depends on it\.$/,
    ],
    [
      'it is a child in a group of a dependency without a decision',
      step({ parent: { id: INCIDENT as IncidentId, channel: null, group_reason: ofPay } }),
      /^Look at pay in production first/,
    ],
    [
      'its group waits for an answer about the dependency',
      step({ incident: incident({ group_reason: ofPay }), deciding: payWith([decision({ state: 'waiting' })]) }),
      /^Roll pay in production back from v2 to v1\? Approve or reject\.\nv2 finished 3 minutes before\.$/,
    ],
    [
      'the dependency of its group was rolled back',
      step({
        parent: { id: INCIDENT as IncidentId, channel: null, group_reason: ofPay },
        deciding: {
          ...payWith([decision()], { status: 'mitigated', verification: 'pending' }),
          effects: [rollback({ key: `${PAY}.roll-back.1` })],
        },
      }),
      /^Rolled pay in production back from v2 to v1\. Watch pay in production until the mitigation is verified\.\n/,
    ],
    [
      'it asks a question itself, beside the dependency of its group',
      step({ decisions: [decision({ state: 'waiting' })], deciding: payWith([decision({ state: 'waiting' })]) }),
      /^Roll back from v2 to v1\?/,
    ],
    [
      'a rollback is in progress',
      step({ incident: incident({ status: 'mitigating' }) }),
      /^Watch .* the rollback is in progress\.\n/,
    ],
    [
      'it waits for a merge',
      step({
        incident: incident({ status: 'mitigating' }),
        effects: [{ ...rollback(), state: 'accepted', detail: 'It waits: https://git.test/pull/1 has to be merged' }],
      }),
      /^It waits: .*pull\/1 has to be merged\n/,
    ],
    ['it is mitigated', step({ incident: incident({ status: 'mitigated', verification: 'pending' }) }), /^Watch/],
    ['it is verified', step({ incident: incident({ status: 'mitigated', verification: 'passed' }) }), /closes when/],
    [
      'the rollback failed',
      step({
        effects: [{ ...rollback(), state: 'failed', detail: 'The rollback failed: exit 1' }],
        decisions: [decision()],
      }),
      /^Look at checkout in production: The rollback failed: exit 1\.\n[^]*Try again: \/rollback checkout production v1\.\nRoll back to another version: \/rollback checkout production VERSION .*\/deploys checkout production.*\nHand over: \/incident handover @USER\./,
    ],
    [
      'the rollback of another service was withheld',
      step({
        effects: [{ ...rollback(), state: 'withheld', detail: 'Not rolled back: the kill switch is on' }],
        decisions: [decision({ target: { service: 'billing', environment: 'production' } as never })],
      }),
      /^Look at checkout in production: Not rolled back: the kill switch is on\.\n[^]*Try again: \/rollback billing production v1\./,
    ],
    ['it did not help', step({ incident: incident({ status: 'open', verification: 'failed' }) }), /did not help/],
    [
      'the verification was inconclusive',
      step({ incident: incident({ status: 'mitigated', verification: 'inconclusive' }) }),
      /by hand/,
    ],
    [
      'a rollback is suggested',
      step({ decisions: [decision({ kind: 'suggest' })] }),
      /^Consider whether to roll back from v2 to v1\.\n[^]*To roll back: \/rollback checkout production\./,
    ],
    [
      'a canary was aborted',
      step({
        decisions: [decision({ kind: 'none', reasons: [{ code: 'canary_aborted', text: 'nothing to roll back' }] })],
      }),
      /^Find out why v2 was worse/,
    ],
    [
      'a flag is suspected that Firebreak cannot turn off',
      step({ decisions: [decision({ kind: 'none', reasons: [{ code: 'by_hand', text: 'switch it back' }] })] }),
      /^Switch it back\./,
    ],
    ['a person was paged', step({ effects: [{ ...rollback(), kind: 'page' }] }), /has been paged/],
    [
      'no pager has accepted the page',
      step({ incident: incident({ pages: 1 }), effects: [refusedPage] }),
      /^No pager has accepted page 1, so nobody was notified\. Look at checkout in production\.\n/,
    ],
    [
      'no pager has accepted the second page',
      step({
        incident: incident({ pages: 2 }),
        effects: [
          { ...refusedPage, state: 'succeeded' },
          { ...refusedPage, key: `${INCIDENT}.page.2` },
        ],
      }),
      /^No pager has accepted page 2\. Look at checkout in production\.\n[^]*has been paged/,
    ],
    [
      'the page of a member of a group was refused',
      step({ incident: incident({ pages: 1, parent_id: INCIDENT as IncidentId }), effects: [refusedPage] }),
      /^(?!No pager)/,
    ],
    [
      'only the fallback pager has accepted the page',
      step({
        incident: incident({ pages: 1 }),
        effects: [
          refusedPage,
          { ...refusedPage, kind: 'page-fallback', key: `${refusedPage.key}.second`, state: 'succeeded' },
        ],
      }),
      /^Look at checkout in production\.\n[^]*has been paged/,
    ],
    [
      'a person acknowledged although no pager has accepted the page',
      step({
        incident: incident({ pages: 1, handling: { acknowledged: { by: 'ada', at: NOON } } }),
        effects: [refusedPage],
      }),
      /^Look at checkout in production\.\n/,
    ],
    ['nothing is known', step({}), /^Look at checkout in production\.\nNo decision yet\.$/],
  ])('is clear if %s', (_, said, expected) => {
    expect(said).toMatch(expected);
  });
});

test('a mitigated and verified incident says so', () => {
  expect(statusWords({ status: 'mitigated', verification: 'passed' })).toBe('mitigated and verified');
  expect(statusWords({ status: 'mitigated', verification: 'pending' })).toContain('not verified');
});

test('an incident that is open again because the mitigation did not help says so', () => {
  expect(statusWords({ status: 'open', verification: 'failed' })).toBe('open: the mitigation did not help');
  expect(statusWords({ status: 'mitigating', verification: 'failed' })).toContain('mitigating');
});

test.each([
  ['page.succeeded', true],
  ['decision', true],
  ['incident.joined', true],
  ['incident.resolved', true],
  ['incident.opened', false],
  ['alerts.fired', false],
  ['alerts.joined', false],
  ['workflow.handed_over', false],
])('%s has a message of its own: %s', (kind, told) => {
  expect(hasMessage({ at: NOON, actor: 'firebreak', kind, text: '', detail: null })).toBe(told);
});
