import * as fc from 'fast-check';
import type { Story } from '../../../core/domain/messages/story.ts';
import type { DecisionView, IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { INCIDENT } from '../../core/arbitraries.ts';
import { anyEntry, anyStory } from '../../core/stories.ts';
import { foreign } from '../../support/foreign-text.ts';
import { signal } from '../../support/signals.ts';

/** Incidents with maximum lengths, maximum counts, and unusual characters in all fields, and some ordinary ones. */

/** A valid name: not empty, at most 256 characters. */
export const wildName = foreign.map((text) => text.slice(0, 256).toWellFormed() || 'x');

const many = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index));

const SUSPECTS = 50;
const REASONS = 20;
const ALERTS = 60;

type Words = { title: string; place: string; version: string; reason: string; person: string };

const wildIncident = (like: IncidentRecord, { title, place, version, reason, person }: Words): IncidentRecord => ({
  ...like,
  service: ServiceName.parse(place),
  environment: EnvironmentName.parse(place),
  title: title.slice(0, 500).toWellFormed(),
  suspects: many(SUSPECTS, (index) => ({
    change_id: `chg_${String(index).padStart(26, '0')}` as IncidentRecord['suspects'][number]['change_id'],
    version: Version.parse(version),
    confidence: 0.5,
    reasons: many(REASONS, () => reason),
  })),
  roles: {
    commander: { name: person, shown: person, slack: null, at: like.opened_at },
    scribe: { name: person, shown: person, slack: 'U024BE7LH', at: like.opened_at },
  },
  handling: {
    acknowledged: { by: person, at: like.opened_at },
    stakeholder_update: { by: person, at: like.opened_at, text: reason },
  },
});

const wildDecision = (like: DecisionView, { place, version, reason, person }: Words): DecisionView => ({
  ...like,
  from_version: Version.parse(version),
  to_version: Version.parse(version),
  reasons: many(REASONS, () => ({ code: 'suspect', text: reason })),
  answered_by: person,
  target: { service: ServiceName.parse(place), environment: EnvironmentName.parse(place) },
});

const anyWords: fc.Arbitrary<Words> = fc.record({
  title: foreign,
  place: wildName,
  version: wildName,
  reason: foreign,
  person: foreign,
});

const wildStory: fc.Arbitrary<Story> = fc.tuple(anyStory, anyWords).map(([like, words]) => ({
  ...like,
  incident: wildIncident(like.incident, words),
  decisions: like.decisions.map((one, index) => ({
    ...wildDecision(one, words),
    ...(index === 1 && { question: words.reason }),
  })),
  effects: like.effects.map((one) => ({ ...one, detail: words.reason, target: words.place })),
  signals: many(ALERTS, (index) => signal({ title: `${index} ${words.title}`, status: 'firing' })),
  children: like.children.map((child) => ({ ...child, title: words.title, service: words.place })),
}));

export const aStory: fc.Arbitrary<Story> = fc.oneof(anyStory, wildStory);

const wildEntry: fc.Arbitrary<TimelineEntry> = fc
  .tuple(anyEntry, foreign, foreign, fc.array(foreign, { maxLength: 3 }))
  .map(([like, text, actor, mention]) => ({ ...like, text, actor, detail: { mention } }));

const reminder: fc.Arbitrary<TimelineEntry> = fc.array(foreign, { maxLength: 100 }).map((mention) => ({
  at: '2026-11-20T12:00:00.000Z' as Timestamp,
  actor: 'firebreak',
  kind: 'reminder.update',
  text: 'No update since it began',
  detail: { mention: [...mention, 'U024BE7LH'], incident: INCIDENT, remedies: ['acknowledge', 'severity'] },
}));

export const anyTold: fc.Arbitrary<TimelineEntry> = fc.oneof(anyEntry, wildEntry, reminder);
