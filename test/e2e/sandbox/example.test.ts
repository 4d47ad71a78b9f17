import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { alert, group, twoDeployments } from '../../support/alerts.ts';
import { eventually, Firebreak } from '../../support/firebreak.ts';

const EXAMPLE = await readFile(new URL('../../../config/services.yaml', import.meta.url), 'utf8');

let firebreak: Firebreak;
afterEach(() => firebreak.remove());

const start = async (env: Record<string, string> = {}, example = EXAMPLE) => {
  firebreak = await Firebreak.start({ configFiles: { 'services.yaml': example }, env });
};

/** Reports a bad deploy without `has_migration`, and returns its incident once that is decided about. */
async function badDeploy(): Promise<any> {
  for (const deployment of twoDeployments()) await firebreak.post('/v1/deployments', deployment);
  expect((await firebreak.post('/v1/alerts/alertmanager', group([alert()]))).status).toBe(202);
  return eventually(async () => {
    const [incident] = (await firebreak.get('/v1/incidents')).body.items;
    return incident?.decisions.length > 0 && incident;
  }, 'the decision');
}

const rollbacks = ({ effects }: { effects: { kind: string }[] }) => effects.filter(({ kind }) => kind === 'roll-back');
const isUnderWay = async () => rollbacks((await firebreak.get('/v1/incidents/1')).body).length > 0;

test('as long as the example is unchanged, a bad deploy is rolled back at the stand-in of the CD system', async () => {
  await start();
  expect(firebreak.output).toContain('services.yaml is the unchanged example');
  expect((await badDeploy()).decisions).toEqual([expect.objectContaining({ kind: 'roll_back' })]);
  await eventually(isUnderWay, 'the rollback');
  await eventually(async () => (await firebreak.calls('cd')).length > 0, 'the call');
  const [rollback] = rollbacks((await firebreak.get('/v1/incidents/1')).body);
  expect(rollback).toMatchObject({ stand_in: true });
});

test.each([
  ['without the sandbox', { FIREBREAK_SANDBOX: 'off' }],
  ['with a real CD system', {}],
])('%s, the example is what it says: a bad deploy is recorded in mode shadow', async (_, env) => {
  await start({ CD_URL: 'http://127.0.0.1:9/rollback', ...env });
  expect(firebreak.output).not.toContain('unchanged example');
  const { decisions } = await badDeploy();
  expect(decisions).toEqual([expect.objectContaining({ kind: 'shadow' })]);
  await firebreak.resolve('1');
  expect(await isUnderWay()).toBe(false);
});

test('the page says why it shows no rollback once the example is changed', async () => {
  await start({}, `${EXAMPLE}# ours\n`);
  expect((await firebreak.post('/sandbox/play')).status).toBeLessThan(300);
  const play = await eventually(async () => {
    const { body } = await firebreak.get('/sandbox/state');
    return body.play.state === 'failed' && body.play;
  }, 'the end of the story');
  expect(play.note).toMatch(/checkout is in mode shadow/);
});
