import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../../support/alerts.ts';
import { eventually, Firebreak } from '../../support/firebreak.ts';

const SERVICES = 100;

/** Share of the incidents in one group, without those that could not read the others. */
const MOST = 0.75;

/** On a busy machine, an incident that repeatedly cannot read the others in time continues alone. */
const CONTINUES_ALONE = /the incident continues without a group/g;

/** Milliseconds until all alerts are routed or resolved, on a busy machine. Against hanging. */
const PROCESSED_WITHIN_MS = 600_000;

/** Messages in Slack while all incidents are in one group, and for each incident that is alone. */
const MESSAGES = 150;
const MESSAGES_ALONE = 15;

/** Pages and channels of incidents that open before the group does. */
const FIRST_PAGES = 10;
const GROUPS = 500;
const ALERTS_PER_GROUP = 20;

/** Number of concurrent requests, as from a few Alertmanagers. */
const SENDERS = 5;

const services = Array.from({ length: SERVICES }, (_, n) => `svc-${n}`);
const startsAt = minutesAgo(1);

/** Five alerts for each service, the first of which is critical. */
const groups = Array.from({ length: GROUPS }, (_, number) => {
  const kind = Math.floor(number / SERVICES);
  return {
    number,
    service: `svc-${number % SERVICES}`,
    name: `Alert${kind}`,
    severity: kind === 0 ? 'critical' : 'warning',
  };
});

let firebreak: Firebreak;

beforeAll(async () => {
  const catalogue = services.map((name, n) => [name, { slack: { channel: `#team-${n % 10}` } }]);
  firebreak = await Firebreak.start({
    services: Object.fromEntries(catalogue),
    timeScale: 1,
    env: { LOG_LEVEL: 'error' },
  });
});
afterAll(() => firebreak?.remove());

async function send(status: 'firing' | 'resolved'): Promise<void> {
  const waiting = [...groups];
  const sender = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { number, service, name, severity } = next;
      const alerts = Array.from({ length: ALERTS_PER_GROUP }, (_, n) =>
        alert({
          startsAt,
          status,
          fingerprint: `${number}-${n}`,
          labels: { service, alertname: name, instance: `i-${n}`, severity, action: '' },
        }),
      );
      expect((await firebreak.post('/v1/alerts/alertmanager', group(alerts))).status).toBe(202);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

/** Milliseconds between two checks. A check of so many incidents is expensive for the product, so it is done rarely. */
const LOOK_EVERY_MS = 2000;

async function all(path: string): Promise<any[]> {
  await sleep(LOOK_EVERY_MS);
  const items: any[] = [];
  let cursor = '';
  do {
    const { body } = await firebreak.get(`${path}?limit=500${cursor && `&cursor=${cursor}`}`);
    items.push(...body.items);
    cursor = body.next_cursor ?? '';
  } while (cursor !== '');
  return items;
}

const incidents = (): Promise<any[]> => all('/v1/incidents');

const hasPaged = ({ effects }: any): boolean => effects.some(({ kind }: any) => kind === 'page');

test(
  'a storm of 10,000 alerts results in few channels, pages, and messages, and every resolve is processed',
  { timeout: 3 * PROCESSED_WITHIN_MS },
  async () => {
    await send('firing');
    let counts = '';
    const counted = await eventually(
      async () => {
        const shown = await incidents();
        const children = shown.filter(({ service }) => service !== 'several-services');
        const signals = children.reduce((sum, { signal_count }) => sum + signal_count, 0);
        // A warning that was routed before the critical alert of its service has no incident.
        const apart = (await all('/v1/signals')).length;
        counts = `${children.length} incidents, ${signals} alerts in them, ${apart} apart`;
        const undecided = children.filter((one) => one.parent_id == null && !hasPaged(one)).length;
        counts += `, ${undecided} neither in a group nor paged`;
        const isRouted = children.length === SERVICES && signals + apart === GROUPS * ALERTS_PER_GROUP;
        return isRouted && undecided === 0 && shown;
      },
      'every alert in an incident or recorded, and every incident in a group or paged',
      PROCESSED_WITHIN_MS,
    ).catch((error: unknown) => {
      throw new Error(counts, { cause: error });
    });
    const [parent, ...others] = counted.filter(({ service }) => service === 'several-services');
    expect(others).toEqual([]);
    const grouped = counted.filter(({ parent_id }) => parent_id === parent.id).length;
    const unread = firebreak.output.match(CONTINUES_ALONE)?.length ?? 0;
    expect(grouped + unread, `${grouped} grouped, ${unread} alone`).toBeGreaterThanOrEqual(SERVICES * MOST);

    await send('resolved');
    let left: object[] = [];
    await eventually(
      async () => {
        left = (await incidents()).filter(({ status }) => status !== 'resolved');
        return left.length === 0;
      },
      'the end of all',
      PROCESSED_WITHIN_MS,
    ).catch(async (error: unknown) => {
      const [first] = left as { id: string }[];
      const { body } = await firebreak.get(`/v1/incidents/${first?.id}/timeline`);
      throw new Error(`${left.length} are open, the first: ${JSON.stringify(first)} ${JSON.stringify(body)}`, {
        cause: error,
      });
    });

    const topic = await eventually(async () => {
      const { channel } = (await firebreak.get(`/v1/incidents/${parent.id}`)).body;
      const { body } = await firebreak.get(`/sandbox/slack/channels/${channel?.slice(1)}`);
      return body.topic?.includes('resolved') && body.topic;
    }, 'the end in the channel of the parent');
    expect(topic).toContain('several-services');

    // A call without a response in time is repeated with the same key, and PagerDuty's state is read.
    const pages = new Set(
      (await firebreak.calls('pagerduty')).flatMap(({ body }) =>
        body?.event_action === 'trigger' ? [body.dedup_key] : [],
      ),
    );
    expect(pages.size).toBeLessThanOrEqual(FIRST_PAGES + SERVICES - grouped);
    const slack = await firebreak.calls('slack');
    expect(slack.filter(({ path }) => path.endsWith('conversations.create')).length).toBeLessThanOrEqual(
      FIRST_PAGES + SERVICES - grouped,
    );
    expect(slack.filter(({ path }) => path.endsWith('chat.postMessage')).length).toBeLessThanOrEqual(
      MESSAGES + MESSAGES_ALONE * (SERVICES - grouped),
    );
    expect(slack.filter(({ status }) => status === 429)).toEqual([]);
  },
);
