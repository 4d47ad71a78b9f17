import { beforeEach, expect, test } from 'vitest';
import { noteInhibitors } from '../../../../core/actions/alerts/muted-by.ts';
import { reportKeyOf } from '../../../../core/domain/alerts/admission.ts';
import { routingLabels } from '../../../../core/domain/alerts/routing.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { signal } from '../../../support/signals.ts';

const configOf = (source: string): Config =>
  Config.parse({
    version: 'test',
    services: {},
    paging: {},
    routes: { inhibit_rules: [{ source_matchers: source, target_matchers: 'severity="warning"' }] },
  });

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
});

/** The alert of a sender that calls critical alerts `page`. */
const alert = (status: 'firing' | 'resolved') =>
  signal({ severity: 'critical', labels: [['severity', 'page']], status });

const inhibiting = async () => (await world.deps.incidents.inhibitors(world.clock.now())).map(({ title }) => title);

/** Stores the alert as version 0.2.0 did: without the word of its sender. */
async function storedBefore(): Promise<void> {
  const one = alert('firing');
  const stored = { key: reportKeyOf(one), status: one.status, title: one.title, labels: routingLabels(one, undefined) };
  await world.deps.incidents.recordInhibitors([stored], world.clock.now());
  expect(await inhibiting()).toEqual([one.title]);
}

test.each([
  ['its meaning', 'severity="critical"'],
  ['the word of its sender', 'severity="page"'],
  ['a word that is not its own', 'severity!="page"'],
])('an alert that an earlier version stored inhibits no more after its end, with a rule for %s', async (_, source) => {
  world.config = configOf(source);
  await storedBefore();
  await noteInhibitors(world.deps, [alert('resolved')]);
  expect(await inhibiting()).toEqual([]);
});

test('an alert that an earlier version stored inhibits no more once it is known that its word is excluded', async () => {
  world.config = configOf('severity!="page"');
  await storedBefore();
  await noteInhibitors(world.deps, [alert('firing')]);
  expect(await inhibiting()).toEqual([]);
});

test('an alert inhibits by its meaning and by the word of its sender while it fires', async () => {
  for (const source of ['severity="critical"', 'severity="page"']) {
    world.config = configOf(source);
    await noteInhibitors(world.deps, [alert('firing')]);
    expect(await inhibiting()).toEqual([alert('firing').title]);
    await noteInhibitors(world.deps, [alert('resolved')]);
    expect(await inhibiting()).toEqual([]);
  }
});
