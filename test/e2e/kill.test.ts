import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Firebreak } from '../support/firebreak.ts';
import { freePort } from '../../demo/free-port.ts';
import { exampleAlertmanager, have, onlyFor } from '../support/prometheus-stack.ts';
import type { CdServer } from './cd-server.ts';
import type { Relay } from './relay.ts';
import { Stage } from './stage.ts';
import {
  catalogue,
  deployBroken,
  haveHistory,
  type Incident,
  pagesOf,
  untilPagerKnows,
  untilResolved,
} from './story.ts';
import type { ToyService } from './toy-service.ts';

/** All that belongs to one service, with a Firebreak of its own that may be killed at any time. */
type World = { service: ToyService; cd: CdServer; firebreak: Firebreak; relay: Relay };

describe.runIf(have('prometheus', 'alertmanager'))('kill -9 of the whole of Firebreak', () => {
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

  /** Its Firebreak is at the same address after each start, as a user's is. */
  async function startWorld(name: string): Promise<World> {
    const [service] = await stage.toyServices(name);
    const cd = await stage.cd([service]);
    const env = { PORT: String(await freePort()) };
    const firebreak = await stage.firebreak({ services: catalogue(cd, [service]), env });
    await haveHistory(firebreak, [service]);
    return { service, cd, firebreak, relay: await stage.relay(firebreak.url) };
  }

  afterAll(() => stage.stop());

  test.concurrent('while the CD system is at work: it finishes after a start, and nothing is done twice', async () => {
    const { service, cd, firebreak } = acting;
    const answer = cd.keepSilent();
    const finish = cd.holdUp();
    await deployBroken(firebreak, service, 'v2');

    await eventually(() => Promise.resolve(cd.requests.length > 0), 'the CD system was asked', 60_000);
    await firebreak.kill9(); // it has asked, and heard nothing
    answer();
    await firebreak.start();

    await eventually(() => Promise.resolve(cd.looks > 0), 'it looks how the rollback gets on', 60_000);
    await firebreak.kill9(); // it has heard that it takes a while
    finish();
    await eventually(() => Promise.resolve(service.version === 'v1'), 'v1 runs again, and Firebreak does not');
    await firebreak.start();

    await expectNothingTwice(acting, await untilResolved(firebreak, service));
    expect(cd.requests.length).toBeGreaterThan(1); // under the same key: the first answer never came
  });

  test.concurrent('while Alertmanager delivers: what it repeats after a start is one incident', async () => {
    const { service, firebreak, relay } = listening;
    const kills = [
      async () => {}, // before Firebreak has heard of it
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

/** A repeat is allowed where the other side knows it by its key, and then changes nothing there. */
async function expectNothingTwice({ service, cd, firebreak }: World, incident: Incident): Promise<void> {
  expect(incident.signal_count).toBe(1);
  expect(cd.rollbacksOf(service.name)).toEqual([{ from: 'v2', to: 'v1' }]);
  expect(cd.keysOf(service.name)).toHaveLength(1);
  await untilPagerKnows(firebreak, incident);
  const pages = await pagesOf(firebreak, incident);
  expect(new Set(pages.map(({ key }) => key))).toEqual(new Set([`${incident.id}.page.1`]));
  expect(pages.map(({ action }) => action).join(' ')).toMatch(/^trigger( trigger)*( resolve)+$/);
}
