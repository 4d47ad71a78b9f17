import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Firebreak } from '../../support/firebreak.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import { exampleAlertmanager, have, onlyFor } from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import type { Relay } from '../support/relay.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  deployBroken,
  haveHistory,
  type Incident,
  pagesOf,
  untilPagerKnows,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

/** All parts of one service, with its own Firebreak that can be killed at any time. */
type World = { service: ToyService; cd: CdServer; firebreak: Firebreak; relay: Relay };

describe.runIf(have('prometheus', 'alertmanager'))('kill -9 of all of Firebreak', () => {
  const stage = new Stage();
  let acting: World, listening: World;

  beforeAll(async () => {
    [acting, listening] = await Promise.all([startWorld('acting'), startWorld('listening')]);
    const alertmanagers = [acting, listening].map(async ({ service, relay }) => {
      const config = onlyFor([service.name], await exampleAlertmanager('alertmanager.yml', relay.url));
      return stage.alertmanager({ config });
    });
    await stage.prometheus([acting.service, listening.service], await Promise.all(alertmanagers));
  });

  /** Starts the parts. Firebreak has the same address after each start, like a user's. */
  async function startWorld(name: string): Promise<World> {
    const [service] = await stage.toyServices(name);
    const cd = await stage.cd([service]);
    const env = { PORT: String(await freePort()) };
    const firebreak = await stage.firebreak({ services: catalogue(cd, [service]), env });
    await haveHistory(firebreak, [service]);
    return { service, cd, firebreak, relay: await stage.relay(firebreak.url) };
  }

  afterAll(() => stage.stop());

  test.concurrent('while the CD system works: Firebreak completes the rollback after a start, and nothing is done twice', async () => {
    const { service, cd, firebreak } = acting;
    const answer = cd.keepSilent();
    const finish = cd.holdUp();
    await deployBroken(firebreak, service, 'v2');

    await eventually(() => Promise.resolve(cd.requests.length > 0), 'a request to the CD system');
    await firebreak.kill9(); // the request is sent, without a response
    answer();
    await firebreak.start();

    await eventually(() => Promise.resolve(cd.looks > 0), 'a status request for the rollback');
    await firebreak.kill9(); // the response said that it is in progress
    finish();
    await eventually(() => Promise.resolve(service.version === 'v1'), 'v1 runs again, and Firebreak is stopped');
    await firebreak.start();

    await expectNothingTwice(acting, await untilResolved(firebreak, service));
    expect(cd.requests.length).toBeGreaterThan(1); // with the same key, since the first response never arrived
  });

  test.concurrent('while Alertmanager delivers: repeats after a start belong to one incident', async () => {
    const { service, firebreak, relay } = listening;
    const kills = [
      async () => {}, // before Firebreak has received it
      () => eventually(() => Promise.resolve(firebreak.output.includes('"alerts accepted"')), 'it is made durable'),
    ];
    relay.handling = async (_, forward) => {
      const before = kills.shift();
      if (before === undefined) return forward();
      const answered = forward().catch(() => undefined);
      await before();
      await firebreak.kill9();
      await answered;
      await firebreak.start();
      return 'lost';
    };
    await deployBroken(firebreak, service, 'v2');

    const incident = await untilResolved(firebreak, service);
    expect(kills).toEqual([]);
    await expectNothingTwice(listening, incident);
  });
});

/** Expects no duplicates. A repeat is allowed if the receiver recognizes its key, since it then changes nothing. */
async function expectNothingTwice({ service, cd, firebreak }: World, incident: Incident): Promise<void> {
  expect(incident.signal_count).toBe(1);
  expect(cd.rollbacksOf(service.name)).toEqual([{ from: 'v2', to: 'v1' }]);
  expect(cd.keysOf(service.name)).toHaveLength(1);
  await untilPagerKnows(firebreak, incident);
  const pages = await pagesOf(firebreak, incident);
  expect(new Set(pages.map(({ key }) => key))).toEqual(new Set([`${incident.id}.page.1`]));
  expect(pages.map(({ action }) => action).join(' ')).toMatch(/^trigger( trigger)*( resolve)+$/);
}
