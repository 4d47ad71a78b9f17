import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acts, begin, bothWays, deployed, drillEnvironments, targetOf, runs } from '../../entrances/cli/drills.ts';
import { eventually, Firebreak } from '../../support/firebreak.ts';

test.concurrent.each([
  'before executions.start #1',
  'before CD roll-back #1',
  'after CD roll-back #1',
  'after CD roll-back #2',
])('killed %s, a drill resumes and makes each rollback once', async (boundary) => {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-drill-'));
  const [armed, log] = [join(dir, 'armed'), join(dir, 'log')];
  await writeFile(log, '');
  const firebreak = await Firebreak.start({
    unshown: true,
    services: Object.fromEntries(drillEnvironments('killed')),
    timeScale: 1000,
    nodeArgs: ['--import', new URL('../../kill/at.ts', import.meta.url).href],
    env: { LOG_LEVEL: 'warn', FIREBREAK_KILL_LOG: log, FIREBREAK_KILL_ARMED: armed, FIREBREAK_KILL_AT: boundary },
  });
  try {
    const place = targetOf('killed');
    await deployed(firebreak, place);
    await writeFile(armed, '');
    await begin(firebreak, place).catch(() => undefined); // it may die before it responds
    await firebreak.exited();
    expect(await readFile(log, 'utf8')).toContain(`killed ${boundary}`);
    await firebreak.start({ FIREBREAK_KILL_AT: '' });
    const { id } = await eventually(
      async () => (await firebreak.get('/v1/drills')).body.items.find((drill: any) => drill.outcome === 'proved'),
      'the proof',
    );
    expect(await acts(firebreak, place)).toEqual(bothWays(id));
    const { rollbacks } = (await firebreak.get('/sandbox/state')).body.views.cd;
    expect(rollbacks.map((done: any) => [done.from_version, done.to_version])).toEqual([
      ['v1', 'v2'],
      ['v2', 'v1'],
    ]);
    expect(await runs(firebreak, place)).toBe('v2');
    expect((await begin(firebreak, place)).status).toBe(202);
  } finally {
    await firebreak.remove();
    await rm(dir, { recursive: true, force: true });
  }
});
