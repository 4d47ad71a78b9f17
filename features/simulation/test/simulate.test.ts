import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Recorded } from '../decisions/replay.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { RecordedSignal } from '../../../schemas/alerts/recorded-signal.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { before, change, clear, NOON } from '../../../test/core/arbitraries.ts';
import { recordedAlert, recordedDecision, recordedIncident, recordedSignal } from './decisions/recordings.ts';
import { cli } from '../../../test/entrances/cli/support.ts';

/** What the running Firebreak has recorded. */
let recorded: Recorded;
let server: Server;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simulate-'));
  await mkdir(join(dir, 'runbooks'));
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://firebreak.test');
    const isMuted = searchParams.get('muted') === 'true';
    const items =
      pathname === '/v1/recordings'
        ? recorded.incidents
        : recorded.alerts.filter(({ signal }) => (signal.muted !== null) === isMuted);
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ items, next_cursor: null }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(dir, { recursive: true });
});

const servicesIn = (mode: string, evidence = 'time') => ({
  checkout: {
    team: 'payments',
    environments: {
      production: {
        deployer: { kind: 'http', url: 'http://cd.test/rollback' },
        autoRollback: { mode, evidence },
      },
    },
  },
});

/** Writes a policy. Returns its folder. */
async function policyIn(mode: string, routes: object = {}, evidence?: string): Promise<string> {
  const folder = await mkdtemp(join(dir, `${mode}-`));
  await writeFile(join(folder, 'services.yaml'), stringify({ services: servicesIn(mode, evidence) }));
  await writeFile(join(folder, 'routes.yaml'), stringify(routes));
  return folder;
}

async function simulate(base: string, config: string) {
  const runbooks = join(dir, 'runbooks');
  const { port } = server.address() as AddressInfo;
  const options = { config, runbooks, 'base-config': base, 'base-runbooks': runbooks, since: '90d', format: 'json' };
  const { code, out, err } = await cli(
    ['simulate', ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])],
    { env: { FIREBREAK_URL: `http://127.0.0.1:${port}`, FIREBREAK_TOKEN: 'secret' } },
  );
  expect(code === 2 ? err : '').toBe('');
  return JSON.parse(out);
}

const shadow = { policy: { mode: 'shadow' as const } };
const policyOf = (mode: string): Config => Config.parse({ version: 'test', paging: {}, services: servicesIn(mode) });

test('a rollback that follows a question nobody answered is in the totals', async () => {
  // In shadow mode nothing was done, so the second judgement was made with the same world as under mode act.
  const first = recordedDecision(clear({ ...shadow, neighbours_unreadable: true }), 1);
  const second = recordedDecision(clear(shadow), 2, plusSeconds(NOON, 70));
  expect([first.kind, second.kind]).toEqual(['shadow', 'shadow']);
  recorded = { incidents: [recordedIncident(policyOf('shadow'), { decisions: [first, second] })], alerts: [] };
  const found = await simulate(await policyIn('shadow'), await policyIn('act'));
  expect(found.differences[0].changes).toEqual([
    expect.stringMatching(/^decision 1 .* asks .*instead of: does nothing \(shadow\)/),
    expect.stringMatching(/^decision 2 .* acts \(v2 → v1\) instead of: does nothing \(shadow\)/),
  ]);
  expect(found.totals).toMatchObject({ acted: { before: 0, after: 1 }, asked: { before: 0, after: 1 } });
  expect(found.differences[0].unknown).toContainEqual(
    expect.stringMatching(/^cannot be known: whether somebody answers the question of decision 1/),
  );
});

/** Samples of each minute: healthy until noon, then at this level. */
const curve = (bad: number) =>
  Array.from({ length: 92 }, (_, index) => [before(90 - index), index < 90 ? 0.001 : bad] as const);
const level = (version: string, bad: number) => ({ version, curve: curve(bad), traffic: null });

test('a recorded rollback is in the totals, although the other policy acts earlier', async () => {
  const proved = { policy: { mode: 'act' as const, evidence: 'proved' as const } };
  const first = recordedDecision(clear(proved), 1);
  const rollingOut = change('v2', 4, {
    finished_at: null,
    status: 'started',
    has_migration: false,
    canary_weight: 0.5,
  });
  const evidence = {
    health: { max: 0.01, curve: curve(0.08) },
    by_version: [level('v1', 0.001), level('v2', 0.2)],
  };
  const proof = clear({ ...proved, changes: [change('v1', 240), rollingOut], evidence });
  const second = recordedDecision(proof, 2, plusSeconds(NOON, 70));
  expect([first.kind, second.kind]).toEqual(['approve', 'roll_back']);
  const decisions = [{ ...first, state: 'withdrawn' as const }, second];
  recorded = { incidents: [recordedIncident(policyOf('act'), { decisions })], alerts: [] };
  const { totals, differences } = await simulate(await policyIn('act', {}, 'proved'), await policyIn('act'));
  expect(differences[0].changes).toEqual([expect.stringMatching(/^decision 1 .* acts .* instead of: asks/)]);
  expect(totals).toMatchObject({ acted: { before: 1, after: 1 }, asked: { before: 1, after: 0 } });
});

test('a rollback that a person requested is none that was done automatically', async () => {
  const byPerson = clear({ request: { by: 'person', name: 'ada' } });
  recorded = {
    incidents: [recordedIncident(policyOf('act'), { decisions: [recordedDecision(byPerson)] })],
    alerts: [],
  };
  const config = await policyIn('act');
  expect((await simulate(config, config)).totals.acted).toEqual({ before: 0, after: 0 });
});

test('an alert that an experiment expects opens no incident and no page', async () => {
  const expected: RecordedSignal['muted'] = {
    by: 'experiment',
    name: 'exp-1',
    until: plusSeconds(NOON, 3600),
    reason: 'a chaos experiment',
  };
  const alert = recordedAlert({ severity: 'critical', muted: expected }, [NOON]);
  recorded = { incidents: [], alerts: [alert] };
  const config = await policyIn('act');
  const found = await simulate(config, config);
  expect([found.incidents, found.totals.opened, found.totals.pages]).toEqual([
    0,
    { before: 0, after: 0 },
    { before: 0, after: 0 },
  ]);
  // An expected alert that joins an incident pages nobody, either.
  const joined = recordedSignal({ at: plusSeconds(NOON, 60), fingerprint: 'b', muted: expected });
  const joins = {
    kind: 'signals',
    fired: 1,
    resolved: 0,
    critical: false,
    pages: false,
    requestsRollback: false,
  } as const;
  const opening = recordedSignal({ severity: 'warning' });
  const incident = recordedIncident(policyOf('act'), {
    severity: 'warning',
    signals: [opening, joined],
    messages: [{ seq: 1, at: joined.at, message: joins }],
  });
  recorded = { incidents: [incident], alerts: [] };
  const quiet = await policyIn('act', { routes: [{ match: { severity: 'warning' }, page: false, incident: true }] });
  expect((await simulate(quiet, quiet)).totals.pages).toEqual({ before: 0, after: 0 });
});
