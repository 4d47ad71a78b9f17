import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { eventually, type Firebreak } from '../../support/firebreak.ts';
import { exampleAlertmanager, have, onlyFor } from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import type { Relay } from '../support/relay.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  deployBroken,
  expectOneOfEach,
  expectOnePage,
  haveHistory,
  record,
  timelineOf,
  untilJudged,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

describe.runIf(have('prometheus', 'alertmanager'))('while Firebreak is down', () => {
  const stage = new Stage();
  let failing: ToyService, ending: ToyService;
  let cd: CdServer;
  let firebreak: Firebreak;
  let relay: Relay;

  beforeAll(async () => {
    [failing, ending] = await stage.toyServices('failing', 'ending');
    cd = await stage.cd([failing, ending]);
    const services = {
      ...catalogue(cd, [failing]),
      ...catalogue(cd, [ending], { autoRollback: { mode: 'suggest', evidence: 'time' } }),
    };
    firebreak = await stage.firebreak({ services, env: { PORT: String(await freePort()) } });
    await haveHistory(firebreak, [failing, ending]);
    relay = await stage.relay(firebreak.url);
    const config = onlyFor(['failing', 'ending'], await exampleAlertmanager('alertmanager.yml', relay.url));
    await stage.prometheus([failing, ending], [await stage.alertmanager({ config })]);
  });

  afterAll(() => stage.stop());

  test('alerts wait in Alertmanager: starts and ends of alerts arrive by themselves after the start', async () => {
    await deployBroken(firebreak, ending, 'v2');
    const open = await untilJudged(firebreak, ending);
    await record(firebreak, { service: 'failing', version: 'v2', has_migration: false });
    await firebreak.stop();

    failing.broken.add('v2');
    failing.version = 'v2';
    ending.version = 'v1';
    const delivered = relay.deliveries.length;
    const attempts = (service: string, status: string): number =>
      relay.deliveries
        .slice(delivered)
        .filter(({ services, statuses }) => services.some((name, n) => name === service && statuses[n] === status))
        .length;
    await eventually(
      async () => attempts('failing', 'firing') > 1 && attempts('ending', 'resolved') > 1,
      'Alertmanager retries repeatedly',
    );
    await firebreak.start();

    const rolledBack = await untilResolved(firebreak, failing);
    await expectOneOfEach(firebreak, cd, failing, rolledBack);
    const ended = await untilResolved(firebreak, ending);
    expect(ended.id).toBe(open.id);
    expect((await timelineOf(firebreak, ended)).map(({ kind }) => kind)).toContain('alerts.resolved');
    await expectOnePage(firebreak, ended);
  });
});
