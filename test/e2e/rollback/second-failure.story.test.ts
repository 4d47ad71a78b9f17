import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { EACH_ALONE, eventually, type Firebreak } from '../../support/firebreak.ts';
import { exampleAlertmanager, have, type Recorded } from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  deployBroken,
  errorRatioOf,
  haveHistory,
  type Incident,
  incidentsOf,
  timelineOf,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

/** The 15 minutes of verification take 45 seconds, so that the second failure begins within them. */
const TIME_SCALE = 20;

type Shown = Omit<Incident, 'decisions'> & {
  suspects: { version: string }[];
  decisions: (Incident['decisions'][number] & { state: string; digest: string })[];
};

describe.runIf(have('prometheus', 'alertmanager', 'promtool'))('a second failure while a rollback is verified', () => {
  const stage = new Stage();
  let firebreak: Firebreak;
  let cd: CdServer;
  let checkout: ToyService, search: ToyService;

  beforeAll(async () => {
    const services = await stage.toyServices('checkout', 'search');
    [checkout, search] = services;
    cd = await stage.cd(services);
    const port = await freePort();
    const known = services.map((service) => catalogue(cd, [service], { health: errorRatioOf(service) }));
    firebreak = await stage.firebreak({
      services: Object.assign({}, ...known) as ReturnType<typeof catalogue>,
      configFiles: EACH_ALONE,
      env: { PROMETHEUS_URL: `http://127.0.0.1:${port}` },
      timeScale: TIME_SCALE,
      unshown: true,
    });
    await haveHistory(firebreak, services);
    const config = await exampleAlertmanager('alertmanager.yml', firebreak.url);
    const history = services.map(healthyHours);
    await stage.prometheus(services, [await stage.alertmanager({ config })], { port, history });
  });

  afterAll(() => stage.stop());

  test('is judged at once, with the version deployed since, and its page and status say so', async () => {
    await untilRecovered(checkout);
    await deployBroken(firebreak, checkout, 'v5');
    const incident = await untilAskedAbout(checkout, 'v5');

    expect(incident).toMatchObject({ status: 'open', suspects: [{ version: 'v5' }] });
    expect(incident.decisions).toMatchObject([
      { kind: 'roll_back', from_version: 'v4', to_version: 'v1' },
      { kind: 'approve', from_version: 'v5', to_version: 'v1', because: 'second_rollback' },
    ]);
    await expectSecondPage(incident);
    await approve(incident);
    await eventually(() => Promise.resolve(checkout.version === 'v1'), 'checkout runs v1 again');
    expect(cd.rollbacksOf('checkout')).toEqual([
      { from: 'v4', to: 'v1' },
      { from: 'v5', to: 'v1' },
    ]);
  });

  test('is judged after kill -9, too', async () => {
    await untilRecovered(search);
    await deployBroken(firebreak, search, 'v5');
    await eventually(async () => (await newestOf(search)).status === 'open', 'the second failure');
    await firebreak.kill9();
    await firebreak.start();
    const incident = await untilAskedAbout(search, 'v5');

    expect(incident.decisions.map(({ from_version: from }) => from)).toEqual(['v4', 'v5']);
    await expectSecondPage(incident);
  });

  test('is resolved after the verification of the newest rollback', async () => {
    const incident = await untilResolved(firebreak, checkout);
    const kinds = (await timelineOf(firebreak, incident)).map(({ kind }) => kind);
    expect(kinds).not.toContain('verification.failed');
    expect(kinds.lastIndexOf('verification.passed')).toBeGreaterThan(kinds.lastIndexOf('mitigation.succeeded'));
  });

  /** Deploys v4, which fails, and waits until it is rolled back and its alert has ended. */
  async function untilRecovered(service: ToyService): Promise<void> {
    await deployBroken(firebreak, service, 'v4');
    const recovered = async () => {
      const [incident] = await incidentsOf(firebreak, service);
      if (incident?.status !== 'mitigated') return false;
      return (await timelineOf(firebreak, incident)).some(({ kind }) => kind === 'alerts.resolved');
    };
    await eventually(recovered, `${service.name} has recovered`);
  }

  const newestOf = async (service: ToyService): Promise<Shown> =>
    (await incidentsOf(firebreak, service)).at(-1) as unknown as Shown;

  const untilAskedAbout = (service: ToyService, version: string): Promise<Shown> =>
    eventually(async () => {
      const incident = await newestOf(service);
      const asked = incident.decisions.at(-1);
      return asked?.state === 'waiting' && asked.from_version === version && incident;
    }, `a question about ${version}`);

  async function approve({ id, decisions }: Shown): Promise<void> {
    const digest = decisions.at(-1)?.digest;
    expect(await firebreak.post(`/v1/incidents/${id}/actions/approve`, { digest })).toMatchObject({ status: 200 });
  }

  /** Expects a page about the new problem with the next number, and its update with the decision. Neither names the first version. */
  async function expectSecondPage({ id }: Shown): Promise<void> {
    const details = async () =>
      (await firebreak.get('/sandbox/calls?vendor=pagerduty&limit=10000')).body.items
        .toReversed()
        .filter(({ body }: { body: any }) => body?.dedup_key === `${id}.page.2`)
        .map(({ body }: { body: any }) => body.payload.custom_details);
    const isDecided = ({ suspects }: { suspects: unknown }) => Array.isArray(suspects);
    const decided = await eventually(async () => (await details()).findLast(isDecided), 'the page with the decision');
    const [first] = await details();
    const shown = [first, decided].map(({ status, suspects, next_step, page_reason }) => ({
      status,
      suspects,
      next_step,
      page_reason,
    }));
    expect(shown.map(({ page_reason: reason }) => reason)).toContainEqual(
      expect.stringMatching(/^A new problem after the recovery/),
    );
    expect(decided.status).toBe('open: another problem began after the recovery');
    expect(decided.suspects).toMatchObject([expect.stringMatching(/^v5, /)]);
    expect(decided.next_step).toMatch(/v5 to v1/);
    expect(JSON.stringify(shown)).not.toContain('v4');
  }
});

/** Returns two hours of the error ratio before the test. */
const healthyHours = ({ target }: ToyService): Recorded => ({
  name: 'service:requests:error_ratio',
  labels: target.labels,
  minutes: 120,
  at: () => 0.001,
});
