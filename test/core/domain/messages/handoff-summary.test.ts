import { expect, test } from 'vitest';
import { blankIncident } from '../../../../core/domain/incidents/new-incident.ts';
import { handoffSummary, handoffText } from '../../../../core/domain/messages/handoff-summary.ts';
import type { Story } from '../../../../core/domain/messages/story.ts';
import { IncidentRecord, type TimelineEntry } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';

const opened = '2026-11-20T12:00:00.000Z' as Timestamp;
const now = '2026-11-20T12:30:00.000Z' as Timestamp;

const story = (more: object = {}, rest: Partial<Story> = {}): Story => ({
  incident: IncidentRecord.parse({
    ...blankIncident,
    id: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
    service: 'checkout',
    environment: 'production',
    title: 'Errors',
    severity: 'critical',
    opened_at: opened,
    signal_count: 2,
    firing: 1,
    trace: 'trace',
    ...more,
  }),
  decisions: [],
  effects: [],
  signals: [signal({ title: 'High error rate' })],
  timeline: [],
  children: [],
  childCount: 0,
  parent: null,
  ...rest,
});

const entry = (kind: string, text: string, actor = 'ada'): TimelineEntry => ({
  at: now,
  actor,
  kind,
  text,
  detail: null,
});

/** Newest first, like timelines. */
const RECENT = [
  entry('note', 'looks at the queue'),
  entry('alerts.fired', 'High error rate', 'alerts'),
  entry('rollback.started', 'Rolls v2 back', 'firebreak'),
];

test('the summary contains start, severity, completed actions, open points, and the next step', () => {
  const roles = { commander: { name: 'ada', shown: 'Ada', slack: null, at: opened } };
  expect(handoffSummary(story({ roles, automation_paused: true }), RECENT, now)).toEqual({
    summary: 'What happened so far: checkout production: Errors, critical, open',
    parts: [
      {
        kind: 'text',
        text: [
          { bold: 'What happened so far: checkout production: Errors' },
          '\n',
          'critical, open, opened ',
          { at: opened },
          ' (30 min so far); commander: Ada',
        ],
      },
      { kind: 'text', text: [{ bold: 'Impact' }, '\nAlerts: 1 of 2 firing: High error rate'] },
      { kind: 'text', text: [{ bold: 'Actions' }, '\n• ', { at: now }, ' firebreak: Rolls v2 back'] },
      { kind: 'text', text: [{ bold: 'Updates and notes' }, '\n• ', { at: now }, ' ada: looks at the queue'] },
      { kind: 'text', text: [{ bold: 'Open points' }, '\n• ', 'The automation of this incident is paused'] },
      {
        kind: 'text',
        text: [
          { bold: 'Next step' },
          '\nLook at checkout in production.\nDoes not act because automation of this incident is paused.',
        ],
      },
    ],
  });
});

test('actions are shown however many notes there are', () => {
  const notes = Array.from({ length: 20 }, (_, n) => entry('note', `note ${n}`));
  const asks = entry('statuspage.approval_requested', 'The status page waits for a person', 'firebreak');
  const text = JSON.stringify(handoffSummary(story(), [...notes, asks, ...RECENT], now));
  expect(text).toContain('Rolls v2 back');
  expect(text.match(/note \d+/g)).toEqual(['note 2', 'note 1', 'note 0']);
  expect(text).not.toContain('waits for a person');
});

test('empty sections are omitted', () => {
  const { parts } = handoffSummary(story({ firing: 0 }, { signals: [] }), [], now);
  expect(parts.flatMap((part) => (part.kind === 'text' ? [part.text.at(-1)] : []))).toEqual([
    expect.stringContaining('commander: unassigned'),
    '\nNo alerts are firing',
    '\nLook at checkout in production.\nNo decision yet.',
  ]);
});

test('the summary of a handover has the same content in a few sentences', () => {
  expect(handoffText(story(), RECENT, now)).toBe(
    'critical, open, opened 2026-11-20 12:00 UTC (30 min so far); commander: unassigned. Alerts: 1 of 2 firing: High error rate. ' +
      'Last action: Rolls v2 back. Last update or note: looks at the queue. Next step: Look at checkout in production.',
  );
});
