import * as fc from 'fast-check';
import { blankIncident } from '../../core/domain/incidents/new-incident.ts';
import type { Child, Story } from '../../core/domain/messages/story.ts';
import { ChangeKind } from '../../schemas/changes/change.ts';
import {
  type ClearedSuspect,
  DecisionKind,
  DecisionState,
  type DecisionView,
  type Effect,
  EffectClass,
  EffectState,
  IncidentRecord,
  IncidentStatus,
  type TimelineEntry,
} from '../../schemas/incidents/incident.ts';
import {
  type ChangeId,
  type EnvironmentName,
  type IncidentId,
  type ServiceName,
  Severity,
} from '../../schemas/config/names.ts';
import type { Version } from '../../schemas/config/names.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { signal } from '../support/signals.ts';
import { INCIDENT, NOON } from './arbitraries.ts';

/** Builds a critical, open incident of checkout in production by default. */
export const incident = (more: Partial<IncidentRecord> = {}): IncidentRecord => ({
  ...blankIncident,
  id: INCIDENT as IncidentId,
  service: 'checkout' as ServiceName,
  environment: 'production' as EnvironmentName,
  title: 'errors',
  severity: 'critical',
  opened_at: NOON,
  trace: 'trace',
  firing: 1,
  signal_count: 1,
  ...more,
});

export const story = (more: Partial<Story> = {}): Story => ({
  incident: incident(),
  decisions: [],
  effects: [],
  signals: [],
  timeline: [],
  children: [],
  childCount: 0,
  parent: null,
  ...more,
});

/** Texts of people and alerts, including malicious ones. */
export const anyWords = fc.oneof(
  fc.constantFrom('errors', '<!channel>', '<https://evil.test|click>', '*bold*', '', '& < >', '日本', 'a\nb', '`x`'),
  fc.string({ maxLength: 12, unit: 'grapheme' }).filter((text) => !/undefined|null|NaN|\[object/.test(text)),
);
const anyName = anyWords.map((text) => (text.trim() === '' ? 'x' : text));
const anyTime = fc.integer({ min: 0, max: 90_000 }).map((seconds) => plusSeconds(NOON, seconds));
const anyVersion = anyName.map((name) => name as Version);

const anySuspect = fc.record({
  change_id: fc.constant(`chg_${'0'.repeat(26)}` as ChangeId),
  version: anyVersion,
  confidence: fc.double({ min: 0, max: 1, noNaN: true }),
  reasons: fc.array(anyWords, { maxLength: 3 }),
});

const anyCleared: fc.Arbitrary<ClearedSuspect> = fc.record(
  {
    change_id: fc.constant(`chg_${'0'.repeat(26)}` as ChangeId),
    service: anyName.map((name) => name as ServiceName),
    version: anyVersion,
    kind: fc.constantFrom(...ChangeKind.options),
    by: anyName,
    at: anyTime,
    restored: fc.record({ by: anyName, at: anyTime }),
  },
  { requiredKeys: ['change_id', 'service', 'version', 'kind', 'by', 'at'] },
);

const anyIncident: fc.Arbitrary<IncidentRecord> = fc
  .record(
    {
      service: anyName,
      environment: anyName,
      unmatched: fc.option(anyWords, { nil: null }),
      title: anyWords,
      severity: fc.constantFrom(...Severity.options),
      status: fc.constantFrom(...IncidentStatus.options),
      resolved_at: fc.option(anyTime, { nil: null }),
      resolved_by: fc.option(fc.oneof(anyName, fc.constant('firebreak:quiet')), { nil: null }),
      signal_count: fc.nat(50),
      firing: fc.integer({ min: -1, max: 50 }),
      suspects: fc.array(anySuspect, { maxLength: 5 }),
      cleared: fc.array(anyCleared, { maxLength: 5 }),
      verification: fc.constantFrom(...IncidentRecord.shape.verification.options),
      group_reason: fc.record({
        because: fc.constantFrom('many', 'shared_dependency'),
        name: anyWords,
        text: anyWords,
      }),
      channel: anyName,
      notified_channels: fc.array(anyName, { maxLength: 2 }),
      muted: fc.option(fc.record({ text: anyWords }), { nil: null }),
      published_by: anyName,
    },
    { requiredKeys: ['service', 'environment', 'title', 'severity', 'status', 'firing', 'signal_count', 'suspects'] },
  )
  .map((more) => ({ ...incident(), ...more }) as IncidentRecord);

const anyDecision: fc.Arbitrary<DecisionView> = fc.record({
  id: fc.integer({ min: 1, max: 4 }).map((number) => `${INCIDENT}-${number}`),
  kind: fc.constantFrom(...DecisionKind.options),
  because: fc.constant('suspect'),
  at: anyTime,
  digest: fc.constant('0123456789abcdef'),
  state: fc.constantFrom(...DecisionState.options),
  from_version: fc.option(anyVersion, { nil: null }),
  to_version: fc.option(anyVersion, { nil: null }),
  reasons: fc.array(fc.record({ code: fc.constant('suspect'), text: anyWords }), { maxLength: 3 }),
  answered_by: fc.option(anyName, { nil: null }),
  target: fc.constant(null),
  approvals: fc.constant({ needed: 1, given: [] }),
});

const anyEffect: fc.Arbitrary<Effect> = fc.record({
  key: fc.integer({ min: 1, max: 4 }).map((number) => `${INCIDENT}.roll-back.${number}`),
  kind: fc.constantFrom('page', 'page-fallback', 'page-resolve', 'roll-back'),
  target: anyName,
  class: fc.constantFrom(...EffectClass.options),
  state: fc.constantFrom(...EffectState.options),
  at: anyTime,
  detail: anyName,
});

const anyUrl = fc.constantFrom(null, 'https://wiki.test/runbook', 'http://grafana.test/d/1?x=<y>');

const anySignal: fc.Arbitrary<Signal> = fc
  .record({
    title: anyWords,
    status: fc.constantFrom('firing' as const, 'resolved' as const),
    severity: fc.constantFrom(...Severity.options),
    links: fc.record({ runbook: anyUrl, dashboard: anyUrl, source: anyUrl }),
    annotations: fc.array(fc.tuple(fc.constantFrom('logs_url', 'traces', 'summary'), anyWords), { maxLength: 2 }),
  })
  .map(signal);

const anyChild: fc.Arbitrary<Child> = fc.record({
  id: fc.constant(INCIDENT as IncidentId),
  service: anyName,
  environment: anyName,
  title: anyWords,
  severity: fc.constantFrom(...Severity.options),
  status: fc.constantFrom(...IncidentStatus.options),
});

/** Every timeline kind that the product writes, and an unknown one. */
const KINDS = [
  'incident.opened',
  'incident.resolved',
  'incident.joined',
  'alerts.fired',
  'page.succeeded',
  'page-fallback.failed',
  'rollback.started',
  'mitigation.succeeded',
  'mitigation.not_taken',
  'verification.passed',
  'verification.failed',
  'decision',
  'decision.approved',
  'workflow.handed_over',
  'note',
  'something.new',
];

export const anyEntry: fc.Arbitrary<TimelineEntry> = fc.record({
  at: anyTime,
  actor: anyName,
  kind: fc.constantFrom(...KINDS),
  text: anyWords,
  detail: fc.constant(null),
});

export const anyStory: fc.Arbitrary<Story> = fc
  .record({
    incident: anyIncident,
    decisions: fc.array(anyDecision, { maxLength: 3 }),
    effects: fc.array(anyEffect, { maxLength: 4 }),
    signals: fc.array(anySignal, { maxLength: 12 }),
    timeline: fc.constant([]),
    children: fc.array(anyChild, { maxLength: 30 }),
    more: fc.nat(3),
    parent: fc.option(
      fc.record({ id: fc.constant(INCIDENT as IncidentId), channel: fc.option(anyName, { nil: null }) }),
      { nil: null },
    ),
  })
  .map(({ more, ...rest }) => ({ ...rest, childCount: rest.children.length + more }));
