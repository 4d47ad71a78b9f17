import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { alert, group } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../support/prometheus-stack.ts';

/** What users with the flag do, beside those without it: shares of all requests. */
const WITH_FLAG = {
  errors: { errors: 0.3, purchases: 0.4 },
  conversion: { errors: 0.002, purchases: 0.05 },
  elsewhere: { errors: 0.3, purchases: 0.4 },
} as const;
const WITHOUT_FLAG = { errors: 0.002, purchases: 0.4 };
type Name = keyof typeof WITH_FLAG;
const NAMES = Object.keys(WITH_FLAG) as Name[];

const MINUTES_WITH_FLAG = 6;
const MINUTES_BEFORE = 90;

/** Recorded in advance, so that the test does not depend on how long the start takes. */
const MINUTES_AHEAD = 15;
const SCRAPE_SECONDS = 15;
/** Requests per second: all without the flag, then most with it. */
const PER_SECOND = { before: 100, on: 80, off: 20 };

const NOW = Math.floor(Date.now() / 1000);
const FLIPPED = NOW - MINUTES_WITH_FLAG * 60;

const timeAfterFlip = (minutes: number): string => new Date((FLIPPED + minutes * 60) * 1000).toISOString();

const flagOf = (service: Name): string => `new-${service}`;

/** Returns the counters of both variants as a Prometheus would have scraped them. In `elsewhere`, both fail. */
function recorded(): string {
  const lines = NAMES.flatMap((service) =>
    (['on', 'off'] as const).flatMap((variant) => {
      const from = variant === 'on' ? FLIPPED : NOW - MINUTES_BEFORE * 60;
      const count = Math.floor((NOW + MINUTES_AHEAD * 60 - from) / SCRAPE_SECONDS);
      const times = Array.from({ length: count }, (_, index) => from + index * SCRAPE_SECONDS);
      const isBad = (at: number) => variant === 'on' || (service === 'elsewhere' && at >= FLIPPED);
      return (['requests', 'errors', 'purchases'] as const).flatMap((name) => {
        let total = 1000;
        return times.map((at) => {
          const line = `shop_${name}_total{service="${service}",flag="${flagOf(service)}",flag_variant="${variant}"} ${total} ${at}`;
          const share = name === 'requests' ? 1 : (isBad(at) ? WITH_FLAG[service] : WITHOUT_FLAG)[name];
          total += PER_SECOND[at < FLIPPED ? 'before' : variant] * SCRAPE_SECONDS * share;
          return line;
        });
      });
    }),
  );
  return [...lines, '# EOF\n'].join('\n');
}

/** The share of requests that fail, or the number of requests for each purchase. */
function healthOf(service: Name): object {
  const rate = (name: string, more = '') => `(rate(shop_${name}_total{service="${service}"${more}}[1m]))`;
  const of = (sum: string, more = '') =>
    service === 'conversion'
      ? `${sum}${rate('requests', more)} / ${sum}${rate('purchases', more)}`
      : `${sum}${rate('errors', more)} / ${sum}${rate('requests', more)}`;
  return {
    promql: of('sum'),
    max: service === 'conversion' ? 4 : 0.01,
    byFlagVariant: of('sum by (flag_variant) ', ',flag="$flag"'),
    trafficByFlagVariant: `sum by (flag_variant) ${rate('requests', ',flag="$flag"')}`,
  };
}

describe.skipIf(!have('prometheus', 'promtool'))('a flag whose variants Prometheus measures', () => {
  let prometheus: Running;
  let firebreak: Firebreak;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'firebreak-flags-'));
    await writeFile(join(dir, 'log'), '');
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []\n',
      history: recorded(),
    });
    const entry = (service: Name) => ({
      environments: {
        production: { flags: { kind: 'launchdarkly' }, autoRollback: { mode: 'act' }, health: healthOf(service) },
      },
    });
    firebreak = await Firebreak.start({
      unshown: true,
      timeScale: 50,
      configFiles: EACH_ALONE,
      services: Object.fromEntries(NAMES.map((name) => [name, entry(name)])),
      nodeArgs: ['--import', new URL('../../kill/at.ts', import.meta.url).href],
      env: {
        PROMETHEUS_URL: prometheus.url,
        FIREBREAK_RUNBOOKS_DIR: new URL('../../../runbooks', import.meta.url).pathname,
        FIREBREAK_KILL_LOG: join(dir, 'log'),
        FIREBREAK_KILL_ARMED: join(dir, 'armed'),
        FIREBREAK_KILL_AT: `after PATCH /api/v2/flags/default/${flagOf('errors')} #1`,
      },
    });
  });
  afterAll(async () => {
    await firebreak?.remove();
    await prometheus?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  /** Someone has turned the flag on, and an alert names the shipped runbook. */
  async function flip(service: Name): Promise<void> {
    const place = { service, environment: 'production' };
    await firebreak.put('/sandbox/launchdarkly/flags', { flag: flagOf(service), environment: 'production', on: true });
    const at = timeAfterFlip(0);
    const change = { ...place, kind: 'flag', version: `${flagOf(service)} 7 (on)`, started_at: at, finished_at: at };
    expect((await firebreak.post('/v1/deployments', change)).status).toBe(201);
    const labels = { ...place, action: '', runbook: 'flag-regression' };
    const firing = alert({ labels, fingerprint: service, startsAt: timeAfterFlip(2) });
    expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
  }

  const incidentOf = (service: Name): Promise<string> =>
    eventually(
      async () => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items[0]?.id,
      `the incident of ${service}`,
    );

  const isOn = async (service: Name): Promise<boolean> =>
    (await firebreak.get('/sandbox/launchdarkly/flags')).body.items.find((one: any) => one.flag === flagOf(service)).on;

  const timeline = async (id: string): Promise<{ kind: string; text: string }[]> =>
    (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items;

  const entered = (id: string, kind: string) =>
    eventually(async () => (await timeline(id)).find((one) => one.kind === kind), `${kind} on the timeline of ${id}`);

  const changesOf = async (service: Name) =>
    (await firebreak.calls('launchdarkly')).filter(
      ({ method, path }) => method === 'PATCH' && path.includes(flagOf(service)),
    );

  test('is turned off once if one variant fails, although kill -9 hides the response, and on again by a person', async () => {
    await writeFile(join(dir, 'armed'), '');
    await flip('errors');
    await firebreak.exited();
    expect(await readFile(join(dir, 'log'), 'utf8')).toContain('killed after PATCH');
    await rm(join(dir, 'armed'));
    await firebreak.start({ FIREBREAK_KILL_AT: '' });
    const id = await incidentOf('errors');
    await entered(id, 'runbook.finished');
    expect([await isOn('errors'), (await changesOf('errors')).length]).toEqual([false, 1]);
    const { suspects } = (await firebreak.get(`/v1/incidents/${id}`)).body;
    expect(suspects[0]).toMatchObject({
      version: `${flagOf('errors')} 7 (on)`,
      reasons: expect.arrayContaining([
        expect.stringMatching(/^by variant of new-errors: on is at 30 % .*off at 0\.2 %/),
      ]),
    });
    const again = { flag: flagOf('errors'), note: 'fixed' };
    for (const _ of ['first', 'repeated']) await firebreak.post(`/v1/incidents/${id}/actions/turn-flag-on`, again);
    await eventually(() => isOn('errors'), 'the flag is on again');
    expect(await changesOf('errors')).toHaveLength(2);
  });

  test('is turned off if users with one variant buy less', async () => {
    await flip('conversion');
    const id = await incidentOf('conversion');
    await entered(id, 'runbook.finished');
    expect(await isOn('conversion')).toBe(false);
    expect((await firebreak.get(`/v1/incidents/${id}`)).body.suspects[0].reasons).toContainEqual(
      expect.stringMatching(/^by variant of new-conversion: on is at 20 .*off at 2\.5/),
    );
  });

  test('stays on if all variants fail, and a person is asked', async () => {
    await flip('elsewhere');
    const id = await incidentOf('elsewhere');
    const asked = await eventually(
      async () => (await timeline(id)).find(({ text }) => text.includes('Approve or reject by')),
      'the question',
    );
    expect(asked.text).toContain('turn off feature flag new-elsewhere?');
    expect(asked.text).toMatch(
      /^Asks because it is not proved: by variant of new-elsewhere: on is at 30 % .*off at 30 %/m,
    );
    expect([await isOn('elsewhere'), await changesOf('elsewhere')]).toEqual([true, []]);
  });
});
