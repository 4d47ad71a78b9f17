import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group } from '../support/alerts.ts';
import { eventually, type Firebreak } from '../support/firebreak.ts';
import { freePort } from '../../demo/free-port.ts';
import { exampleAlertmanager, have, onlyFor, type Running, settled } from '../support/prometheus-stack.ts';
import type { CdServer } from './cd-server.ts';
import { type Handling, post, type Relay } from './relay.ts';
import { Stage } from './stage.ts';
import { catalogue, deployBroken, expectOneOfEach, haveHistory, incidentsOf, untilResolved } from './story.ts';
import type { ToyService } from './toy-service.ts';

/** Ports for gossip: of a member itself, and of one to join. */
type Member = { port: number; peer: number };

/**
 * Prometheus tells every Alertmanager of every alert. Those of a cluster agree who sends: the second holds back 15 s, and
 * keeps quiet if it hears that the first was heard. Those that do not see each other both send. Each reaches Firebreak
 * through a relay of its own, by which the tests know who has sent what.
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

  test.concurrent('of a cluster, of which one sends', async () => {
    await deployBroken(firebreak, agreed, 'v2');
    await expectOneOfEach(firebreak, cd, agreed, await untilResolved(firebreak, agreed));
  });

  test.concurrent('of a cluster, both of which send, since the first never hears that it was heard', async () => {
    loseAnswersOfTheFirst(cluster, 'unheard');
    await deployBroken(firebreak, unheard, 'v2');
    const incident = await untilResolved(firebreak, unheard);
    for (const relay of cluster) expect(relay.about('unheard')).toContainEqual(['firing']);
    await expectOneOfEach(firebreak, cd, unheard, incident);
  });

  test.concurrent('that do not see each other and both send', async () => {
    await deployBroken(firebreak, apart, 'v2');
    const incident = await untilResolved(firebreak, apart);
    await eventually(
      () => Promise.resolve(strangers.every((relay) => relay.about('apart').length >= 2)),
      'both have sent the beginning and the end',
    );
    for (const relay of strangers) expect(relay.about('apart')).toEqual([['firing'], ['resolved']]);
    await expectOneOfEach(firebreak, cd, apart, incident);
  });

  test('what they send again, later, opens nothing; the next alert does', async () => {
    const deliveries = [...cluster, ...strangers].flatMap((relay) => relay.deliveries);
    for (const delivery of deliveries) expect(await post(firebreak.url, delivery)).toMatchObject({ status: 202 });
    for (const [index, service] of [agreed, unheard, apart].entries()) {
      // In the queue it stands behind all that was sent before about this service.
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

/** Whoever sends first about a service loses every answer; Firebreak has heard it all the same. */
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
