import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group } from '../../support/alerts.ts';
import { eventually, type Firebreak } from '../../support/firebreak.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import { exampleAlertmanager, have, onlyFor, type Running, settled } from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import { type Handling, post, type Relay } from '../support/relay.ts';
import { Stage } from '../support/stage.ts';
import { catalogue, deployBroken, expectOneOfEach, haveHistory, incidentsOf, untilResolved } from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

/** Gossip ports: of the member itself, and of a member to join. */
type Member = { port: number; peer: number };

/**
 * Prometheus sends every alert to every Alertmanager. The members of a cluster agree on one sender: the second one
 * waits 15 s, and does not send if it learns that the first one succeeded. Alertmanagers that are not connected both
 * send. Each one reaches Firebreak through its own relay, which tells the tests who has sent what.
 */
describe.runIf(have('prometheus', 'alertmanager'))('two Alertmanagers', () => {
  const stage = new Stage();
  let firebreak: Firebreak;
  let cd: CdServer;
  let agreed: ToyService, unheard: ToyService, apart: ToyService;
  let cluster: readonly Relay[], strangers: readonly Relay[];

  beforeAll(async () => {
    const services = await stage.toyServices('agreed', 'unheard', 'apart');
    [agreed, unheard, apart] = services;
    cd = await stage.cd(services);
    firebreak = await stage.firebreak({ services: catalogue(cd, services) });
    await haveHistory(firebreak, services);

    const [first, second] = [await stage.relay(firebreak.url), await stage.relay(firebreak.url)];
    const [third, fourth] = [await stage.relay(firebreak.url), await stage.relay(firebreak.url)];
    cluster = [first, second];
    strangers = [third, fourth];
    const port = await freePort();
    const members = await Promise.all([
      startFor(['agreed', 'unheard'], first, { port, peer: port }),
      startFor(['agreed', 'unheard'], second, { port: await freePort(), peer: port }),
    ]);
    const alone = await Promise.all([startFor(['apart'], third), startFor(['apart'], fourth)]);
    await settled(members);
    await stage.prometheus(services, [...members, ...alone]);
  });

  async function startFor(services: string[], { url }: Relay, member?: Member): Promise<Running> {
    const config = onlyFor(services, await exampleAlertmanager('alertmanager.yml', url));
    return stage.alertmanager({ config, ...(member && { cluster: member }) });
  }

  afterAll(() => stage.stop());

  test.concurrent('in a cluster, of which one sends', async () => {
    await deployBroken(firebreak, agreed, 'v2');
    await expectOneOfEach(firebreak, cd, agreed, await untilResolved(firebreak, agreed));
  });

  test.concurrent('in a cluster, both of which send, since the first one gets no response', async () => {
    loseAnswersOfTheFirst(cluster, 'unheard');
    await deployBroken(firebreak, unheard, 'v2');
    const incident = await untilResolved(firebreak, unheard);
    for (const relay of cluster) expect(relay.about('unheard')).toContainEqual(['firing']);
    await expectOneOfEach(firebreak, cd, unheard, incident);
  });

  test.concurrent('that are not connected and both send', async () => {
    await deployBroken(firebreak, apart, 'v2');
    const incident = await untilResolved(firebreak, apart);
    await eventually(
      () => Promise.resolve(strangers.every((relay) => relay.about('apart').length >= 2)),
      'both have sent the start and the end',
    );
    for (const relay of strangers) expect(relay.about('apart')).toEqual([['firing'], ['resolved']]);
    await expectOneOfEach(firebreak, cd, apart, incident);
  });

  test('later repeats open nothing; the next alert does', async () => {
    const deliveries = [...cluster, ...strangers].flatMap((relay) => relay.deliveries);
    for (const delivery of deliveries) expect(await post(firebreak.url, delivery)).toMatchObject({ status: 202 });
    for (const [index, service] of [agreed, unheard, apart].entries()) {
      // In the queue, it follows all earlier notifications about this service.
      const next = alert({ labels: { service: service.name, action: '' }, fingerprint: `000000000000000${index}` });
      expect((await firebreak.post('/v1/alerts/alertmanager', group([next]))).status).toBe(202);
      const isOpen = async () => (await incidentsOf(firebreak, service)).some(({ status }) => status !== 'resolved');
      await eventually(isOpen, `the next incident of ${service.name}`);

      const [first, ...later] = await incidentsOf(firebreak, service);
      expect(first).toMatchObject({ status: 'resolved', signal_count: 1 });
      expect(later).toMatchObject([{ signal_count: 1 }]);
      expect(cd.rollbacksOf(service.name)).toHaveLength(1);
    }
  });
});

/** Drops all responses to the first sender about a service. Firebreak has still received its notifications. */
function loseAnswersOfTheFirst(relays: readonly Relay[], service: string): void {
  let first: Relay | undefined;
  for (const relay of relays) {
    const handling: Handling = async ({ services }, forward) => {
      if (!services.includes(service)) return forward();
      first ??= relay;
      const answer = await forward();
      return relay === first ? 'lost' : answer;
    };
    relay.handling = handling;
  }
}
