import { beforeEach, expect, test } from 'vitest';
import { mutesNow, noteInhibitors } from '../../../../core/actions/alerts/muted-by.ts';
import { reportKeyOf } from '../../../../core/domain/alerts/admission.ts';
import { routingLabels } from '../../../../core/domain/alerts/routing.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { signal } from '../../../support/signals.ts';
import { Table } from '../../../../core/stores/table.ts';
import { keys } from '../../../../core/stores/keys.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import { put } from '../../../../platforms/store.ts';

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

/** Titles of the alerts that inhibit any other one. */
const inhibiting = async () => {
  const { inhibitors } = await mutesNow({ ...world.deps, silences: { active: async () => [] } as never }, [
    signal({ severity: 'warning', fingerprint: 'target', labels: [] }),
  ]);
  return inhibitors.map(({ title }) => title);
};

/** Stores the alert as version 0.2.0 did: without the word of its sender. */
async function storedBefore(): Promise<void> {
  const one = alert('firing');
  const labels = [...routingLabels(one, undefined)];
  const expires_at = world.clock.millis / 1000 + 3600;
  const key = keys.formerInhibitor(sha256(reportKeyOf(one)));
  await new Table(world.store).transact([put({ ...key, title: one.title, labels, expires_at })]);
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
