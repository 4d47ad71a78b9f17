import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { cli } from '../../../../test/entrances/cli/support.ts';
import { eventually, type Firebreak } from '../../../../test/support/firebreak.ts';
import { freePort } from '../../../../packages/demo/free-port.ts';
import { type AlertmanagerConfig, have } from '../../../../test/support/prometheus-stack.ts';
import { Stage } from '../../../../test/e2e/support/stage.ts';
import type { ToyService } from '../../../../test/e2e/support/toy-service.ts';

/** Evaluations run every second. The windows of objectives, and Prometheus, are in real time. */
const TIME_SCALE = 60;

const availability = (service: string, spec: Record<string, unknown> = {}) => ({
  apiVersion: 'openslo/v1',
  kind: 'SLO',
  metadata: { name: `${service}-availability` },
  spec: {
    service,
    indicator: {
      metadata: { name: service },
      spec: {
        ratioMetric: {
          counter: true,
          bad: query(`sum(rate(requests_total{service="${service}",code=~"5.."}[{{.window}}]))`),
          total: query(`sum(rate(requests_total{service="${service}"}[{{.window}}]))`),
        },
      },
    },
    timeWindow: [{ duration: '28d', isRolling: true }],
    budgetingMethod: 'Occurrences',
    objectives: [{ target: 0.999 }],
    ...spec,
  },
});

const query = (text: string) => ({ metricSource: { type: 'Prometheus', spec: { query: text } } });

/**
 * The budget of six hours is 36 minutes, half of it 18 minutes. An outage of one hour that ended three hours ago has
 * spent it almost twice.
 */
const SHORT = {
  timeWindow: [{ duration: '6h', isRolling: true }],
  objectives: [{ target: 0.9 }],
};

describe.runIf(have('prometheus', 'alertmanager', 'promtool'))('a budget that burns', () => {
  const stage = new Stage();
  let folder: string;
  let byAlert: Firebreak, byEvaluation: Firebreak;
  let checkout: ToyService;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firebreak-slos-'));
    const services = await stage.toyServices('checkout', 'search');
    [checkout] = services;
    const slos = [availability('checkout'), availability('search'), availability('archive', SHORT)];
    const configFiles = Object.fromEntries(slos.map((slo) => [`slos/${slo.metadata.name}.yaml`, stringify(slo)]));
    const known = Object.fromEntries(
      ['checkout', 'search', 'archive'].map((name) => [name, { environments: { production: {} } }]),
    );
    const port = await freePort();
    // Each one is notified in one way only.
    byAlert = await stage.firebreak({ services: known, configFiles, timeScale: TIME_SCALE });
    byEvaluation = await stage.firebreak({
      services: known,
      configFiles,
      timeScale: TIME_SCALE,
      env: { PROMETHEUS_URL: `http://127.0.0.1:${port}` },
    });
    const alertmanager = await stage.alertmanager({ config: await generate(slos, byAlert.url) });
    await stage.prometheus(services, [alertmanager], { port, rules: await rules(), history: archived() });
  });

  afterAll(async () => {
    await stage.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Uses the output of `slo generate` unchanged. */
  async function generate(slos: object[], url: string): Promise<AlertmanagerConfig> {
    await mkdir(join(folder, 'config', 'slos'), { recursive: true });
    await writeFile(join(folder, 'config', 'slos', 'all.yaml'), slos.map((slo) => stringify(slo)).join('---\n'));
    const args = ['--config', join(folder, 'config'), '--out', folder, '--url', url, '--token-file', 'firebreak-token'];
    expect(await cli(['slo', 'generate', ...args])).toMatchObject({ code: 0 });
    return parse(await readFile(join(folder, 'alertmanager', 'firebreak.yaml'), 'utf8')) as AlertmanagerConfig;
  }

  async function rules(): Promise<string> {
    const files = ['slo-recording.yaml', 'slo-alerts.yaml'].map((name) => join(folder, 'prometheus', name));
    const groups = await Promise.all(files.map(async (file) => parse(await readFile(file, 'utf8')).groups));
    return stringify({ groups: groups.flat() });
  }

  /**
   * Returns the history of a service that failed completely for an hour, four to three hours ago, at ten requests per
   * second.
   */
  function archived() {
    const failing = (ago: number) => Math.min(3600, Math.max(0, 4 * 3600 - ago)) * 10;
    const all = (ago: number) => (8 * 3600 - ago) * 10;
    const series = (code: string, at: (ago: number) => number) => ({
      name: 'requests_total',
      labels: { service: 'archive', code },
      minutes: 7 * 60,
      at,
    });
    return [series('200', (ago) => all(ago) - failing(ago)), series('500', failing)];
  }

  const check = async (firebreak: Firebreak, service: string) =>
    (await firebreak.get(`/v1/freeze-check?service=${service}&environment=production&version=v2`)).body;

  const refused = (firebreak: Firebreak, service: string, what: string) =>
    eventually(
      async () => {
        const answer = await check(firebreak, service);
        return answer.verdict === 'freeze' ? answer : undefined;
      },
      what,
      150_000,
    );

  test('a budget spent before Firebreak started freezes from the first evaluation, with the time when it clears', async () => {
    const answer = await refused(byEvaluation, 'archive', 'the spent budget freezes');
    expect(answer.reasons[0]).toMatchObject({ code: 'budget_spent' });
    const { body } = await byEvaluation.get('/v1/slos/archive-availability');
    // 60 of 36 minutes, as far back as the history goes.
    expect(body.budget_remaining).toBeCloseTo(1 - 60 / 36, 1);
    expect(body.coverage).toBeGreaterThan(0.95);
    const clears = Date.parse(answer.next_transition_at) - Date.now();
    // More than 34 minutes of the outage must leave the window. It started four hours ago, so it starts to leave in two
    // hours.
    expect(clears / 60_000).toBeGreaterThan(120 + 15);
    expect(clears / 60_000).toBeLessThan(120 + 45);
  });

  test('freezes by its alert, and by evaluation alone', async () => {
    for (const firebreak of [byAlert, byEvaluation])
      expect(await check(firebreak, 'checkout')).toMatchObject({ allowed: true });
    checkout.broken.add(checkout.version);
    const [alerted, evaluated] = await Promise.all([
      refused(byAlert, 'checkout', 'the alert freezes'),
      refused(byEvaluation, 'checkout', 'the evaluation freezes'),
    ]);
    for (const answer of [alerted, evaluated]) expect(answer.reasons[0]).toMatchObject({ code: 'burn_rate' });
    const causes = async (firebreak: Firebreak) =>
      (await firebreak.get('/v1/freezes?service=checkout')).body.items.map(
        ({ cause, opened_by, slo }: Record<string, unknown>) => ({ cause, opened_by, slo }),
      );
    const burn = { cause: 'burn', slo: 'checkout-availability' };
    expect(await causes(byAlert)).toEqual([{ ...burn, opened_by: 'alertmanager' }]);
    expect(await causes(byEvaluation)).toEqual([{ ...burn, opened_by: 'evaluation' }]);
    expect(await check(byEvaluation, 'search')).toMatchObject({ allowed: true });
  });
});
