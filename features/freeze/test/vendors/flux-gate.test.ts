import { expect, test } from 'vitest';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { override } from '../decisions/builders.ts';
import { FLUX, MARK, setUp } from '../gates-support.ts';

type Cluster = Awaited<ReturnType<typeof setUp>>;

const suspended = async (cluster: Cluster) =>
  (await Promise.all([cluster.kustomization(), cluster.helmRelease()])).map(({ spec }) => spec.suspend === true);

const end = (cluster: Cluster, id = 'frz_1') =>
  cluster.change(id, { ended_at: cluster.now(), ended_by: 'person:ada', end_reason: 'over' });

test('objects of Flux are suspended with a mark while a freeze is in force, and resumed at its end', async () => {
  const cluster = await setUp();
  const before = await cluster.kustomization();
  await cluster.open('frz_1');
  expect(await suspended(cluster)).toEqual([true, true]);
  const { metadata } = await cluster.kustomization();
  expect(JSON.parse(metadata.annotations[MARK])).toEqual({ freeze: 'frz_1', at: cluster.now() });
  expect(await cluster.gates()).toEqual(['Kustomization flux-system/shop closed', 'HelmRelease shop/checkout closed']);

  await end(cluster);
  const after = await cluster.kustomization();
  expect([after.metadata.annotations, after.spec]).toEqual([before.metadata.annotations, before.spec]);
  expect(await suspended(cluster)).toEqual([false, false]);
  expect(await cluster.waiting()).toBe(0);
});

test('a freeze of another service or environment suspends nothing', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1', { service: 'search' as never });
  await cluster.open('frz_2', { environment: 'staging' as never });
  expect(await suspended(cluster)).toEqual([false, false]);
});

test('of two freezes, the end of the first resumes nothing', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  await cluster.open('frz_2', { service: null, team: null });
  await end(cluster);
  expect(await suspended(cluster)).toEqual([true, true]);
  await end(cluster, 'frz_2');
  expect(await suspended(cluster)).toEqual([false, false]);
});

test('a planned freeze suspends from its start until its planned end', async () => {
  const cluster = await setUp();
  const now = cluster.now();
  await cluster.open('frz_1', { starts_at: plusSeconds(now, 600), until: plusSeconds(now, 1200) });
  expect(await suspended(cluster)).toEqual([false, false]);
  await cluster.advance(601);
  expect(await suspended(cluster)).toEqual([true, true]);
  await cluster.advance(600);
  expect(await suspended(cluster)).toEqual([false, false]);
});

test('what a person had suspended before stays suspended after the freeze', async () => {
  const cluster = await setUp();
  await cluster.changeKustomization({ spec: { suspend: true } });
  await cluster.open('frz_1');
  expect((await cluster.kustomization()).metadata.annotations).toEqual({ team: 'shop' });
  expect(await cluster.gates()).toContain('Kustomization flux-system/shop foreign');
  await end(cluster);
  expect(await suspended(cluster)).toEqual([true, false]);
});

test('a person takes a suspension over by removing the mark', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  await cluster.changeKustomization({ metadata: { annotations: { [MARK]: null } } });
  await end(cluster);
  expect(await suspended(cluster)).toEqual([true, false]);
});

test('what a person resumes during the freeze is suspended again, and doctor shows it until the end', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  await cluster.changeKustomization({ spec: { suspend: null } });
  await cluster.advance(61);
  await cluster.advance(301);
  expect(await suspended(cluster)).toEqual([true, true]);
  expect(await cluster.gates()).toContain('Kustomization flux-system/shop closed_again');
  await end(cluster);
  expect(await suspended(cluster)).toEqual([false, false]);
});

test('a mark that cannot be read is removed, and the suspension stays', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  await cluster.changeKustomization({ metadata: { annotations: { [MARK]: '{' } } });
  await end(cluster);
  const { metadata, spec } = await cluster.kustomization();
  expect([metadata.annotations, spec.suspend]).toEqual([{ team: 'shop' }, true]);
});

test('an override opens the gate until it expires', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  const expires_at = plusSeconds(cluster.now(), 600);
  await cluster.change('frz_1', { overrides: [override({ expires_at, requested_at: cluster.now(), uses: 1 })] });
  expect(await suspended(cluster)).toEqual([false, false]);
  await cluster.advance(601);
  expect(await suspended(cluster)).toEqual([true, true]);
});

test('an override without the required approval opens nothing', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  const expires_at = plusSeconds(cluster.now(), 600);
  await cluster.change('frz_1', { overrides: [override({ expires_at, needs_approval: true })] });
  expect(await suspended(cluster)).toEqual([true, true]);
});

test('the gate is open while Firebreak rolls back, so that Flux applies what it restores in Git', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  await cluster.rollBack('v41');
  expect(await suspended(cluster)).toEqual([false, false]);
  await cluster.rollBack(undefined);
  expect(await suspended(cluster)).toEqual([true, true]);
});

test('an object that is removed from the configuration is resumed during the freeze', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  cluster.configure({ flux: FLUX.flux.slice(1) });
  await cluster.advance(61);
  expect(await suspended(cluster)).toEqual([false, true]);
});

test('a visit that nothing has changed since patches nothing', async () => {
  const cluster = await setUp();
  await cluster.open('frz_1');
  const { metadata } = await cluster.kustomization();
  for (let n = 0; n < 5; n += 1) await cluster.advance(301);
  expect((await cluster.kustomization()).metadata.resourceVersion).toBe(metadata.resourceVersion);
});

test.each([
  ['a lost response', { kind: 'lost' }],
  ['a server error', { kind: 'status', status: 502 }],
  ['a conflict', { kind: 'status', status: 409, body: { kind: 'Status', message: 'the object has been modified' } }],
  ['a refusal', { kind: 'status', status: 403, body: { kind: 'Status', message: 'cannot patch' } }],
])('after %s, the change is repeated', async (_, fault) => {
  const cluster = await setUp();
  await cluster.fault(fault);
  await cluster.open('frz_1');
  for (let n = 0; n < 6; n += 1) await cluster.advance(30);
  expect(await suspended(cluster)).toEqual([true, true]);
  await cluster.fault(fault);
  await end(cluster);
  for (let n = 0; n < 12; n += 1) await cluster.advance(30);
  expect(await suspended(cluster)).toEqual([false, false]);
  expect((await cluster.kustomization()).metadata.annotations).toEqual({ team: 'shop' });
  expect(await cluster.waiting()).toBe(0);
});

test('a refusal is visible, and the other object is suspended all the same', async () => {
  const cluster = await setUp({ flux: [{ kind: 'Kustomization', name: 'missing' }, ...FLUX.flux] });
  await cluster.open('frz_1');
  expect(await suspended(cluster)).toEqual([true, true]);
  expect(await cluster.gates()).toContain('Kustomization flux-system/missing refused');
});
