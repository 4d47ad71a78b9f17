import { beforeEach, expect, test } from 'vitest';
import { entryMessage } from '../../../core/domain/messages/entry-message.ts';
import { correctIncident, declareIncident } from '../../../core/actions/incidents/declare-incident.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { remind } from '../../../workflows/steps/deadlines.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { FakeWorld, idleEngine } from '../../support/fake-deps.ts';

const MINUTE = 60_000;

let world: FakeWorld;
let id: IncidentId;
beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
  const wanted = { ...serviceEnvironment, title: 'errors', severity: 'critical', by: 'ada', trace: 'trace' } as const;
  ({ id } = await world.deps.incidents.declare(wanted));
});

/** Passes a deadline after this many more minutes. Returns whether people were reminded. */
const look = async (minutes: number, of = id) => {
  world.clock.set(world.clock.millis + minutes * MINUTE);
  return remind(world.deps, of);
};

const reminders = async () =>
  (await world.deps.incidents.timeline(id, { limit: 50 })).items
    .filter(({ kind }) => kind.startsWith('reminder.'))
    .map(({ kind, actor }) => `${actor} ${kind}`);

test('people are reminded once despite repeated runs', async () => {
  await look(4);
  expect(await reminders()).toEqual([]);
  expect([await look(1), await look(0)]).toEqual([true, false]);
  expect(await reminders()).toEqual(['firebreak reminder.triage']);
});

test('a task that was done meanwhile causes no reminder', async () => {
  world.clock.set(world.clock.millis + 5 * MINUTE);
  const said = { by: 'ada', at: world.clock.now() };
  const timeline = { actor: 'ada', kind: 'acknowledged', text: 'Acknowledged the incident', detail: null };
  await world.deps.incidents.amend(id, () => ({ handling: { acknowledged: said, triaged: said }, timeline }));
  expect(await look(0)).toBe(false);
  expect(await reminders()).toEqual([]);
});

const ada: Caller = { name: 'ada', allow: () => undefined };
const declared = () =>
  declareIncident(world.deps, ada, {
    service: 'search' as ServiceName,
    environment: 'production' as EnvironmentName,
    title: 'slow',
    severity: 'critical',
    trace: 'trace',
  });

test.each([
  ['by declaring the incident', async () => (await declared()).incident],
  ['by correcting the incident', () => correctIncident(world.deps, ada, { id, severity: 'critical' })],
])('no reminder about the severity after a person has set it: %s', async (_, say) => {
  const told = await say();
  await look(5, told.id);
  const { items } = await world.deps.incidents.timeline(told.id, { limit: 50 });
  const asked = items.filter(({ kind }) => kind === 'reminder.triage').map(({ text }) => text);
  expect(asked).toEqual([expect.stringContaining('is not acknowledged yet')]);
  await world.deps.incidents.amend(told.id, () => ({
    handling: { acknowledged: { by: 'ada', at: world.clock.now() } },
  }));
  await look(60, told.id);
  const { items: later } = await world.deps.incidents.timeline(told.id, { limit: 50 });
  expect(later.filter(({ text }) => /Nobody has said so/.test(text))).toEqual([]);
});

test('only reminders have buttons, not user texts', async () => {
  await look(5);
  const [entry] = (await world.deps.incidents.timeline(id, { limit: 1 })).items;
  if (entry === undefined) throw new Error('there is no entry');
  const [, buttons] = entryMessage(entry).parts;
  expect(buttons).toEqual({
    kind: 'buttons',
    buttons: [
      { button: { verb: 'acknowledge', incident: id }, text: 'Acknowledge' },
      { button: { verb: 'severity', incident: id }, text: 'Severity…' },
    ],
  });
  const kinds = (of: typeof entry) => entryMessage(of).parts.map(({ kind }) => kind);
  expect(kinds({ ...entry, actor: 'somebody' })).toEqual(['text', 'note']);
  expect(kinds({ ...entry, kind: 'note' })).toEqual(['text', 'note']);
  expect(kinds({ ...entry, detail: { mention: [] } })).toEqual(['text', 'note']);
});

test('only reminders mention the person who owes an update, not user texts', async () => {
  const commander = { name: 'ada', shown: 'Ada', slack: 'U0ADA', at: world.clock.now() };
  const said = { by: 'ada', at: world.clock.now() };
  await world.deps.incidents.amend(id, () => ({
    roles: { commander },
    handling: { acknowledged: said, triaged: said },
    timeline: { actor: 'ada', kind: 'role.taken', text: 'Commands', detail: null },
  }));
  await look(30);
  const [entry] = (await world.deps.incidents.timeline(id, { limit: 1 })).items;
  if (entry === undefined) throw new Error('there is no entry');
  expect(entry.kind).toBe('reminder.update');
  expect(entryMessage(entry).parts[0]).toMatchObject({ text: ['⏰ ', { user: 'U0ADA' }, ' ', entry.text] });
  expect(entryMessage({ ...entry, actor: 'somebody' }).parts[0]).toMatchObject({
    text: ['⏰ ', { bold: 'somebody' }, ': ', entry.text],
  });
});

test('a person known only by email is named, and mentioned if Slack finds them by it', async () => {
  const commander = { name: 'grace', shown: 'Grace Moreau', slack: null, at: world.clock.now() };
  const said = { by: 'grace', at: world.clock.now() };
  await world.deps.incidents.amend(id, () => ({
    roles: { commander },
    handling: { acknowledged: said, triaged: said },
  }));
  await look(30);
  const [entry] = (await world.deps.incidents.timeline(id, { limit: 1 })).items;
  if (entry === undefined) throw new Error('there is no entry');
  expect(entry.text).toMatch(/^Grace Moreau: No update/);
  const shown = (slack: string | null) =>
    entryMessage(entry, { shownOf: (name) => name, slackIdOf: (name) => (name === 'grace' ? slack : null) }).parts[0];
  expect(shown('U0GRACE1')).toMatchObject({ text: ['⏰ ', { user: 'U0GRACE1' }, ' ', entry.text] });
  expect(shown(null)).toMatchObject({ text: ['⏰ ', entry.text] });
});
