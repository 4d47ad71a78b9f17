import { expect, test } from 'vitest';
import type { PageRequest } from '../../domain/ports/paging.ts';
import { pagerDuty } from '../../integrations/pagerduty/pager.ts';
import { calls, start } from '../sandbox/support.ts';
import { ends, fires, type Moment, mode, play, type Story } from './play.ts';

type Arrived = {
  links: { href: string; text: string }[];
  payload: { summary: string; custom_details: Record<string, unknown> };
};

/** Returns the pages of a story as PagerDuty receives them, in order. */
async function arrivedOf({ given = [], timeline }: Story): Promise<Arrived[]> {
  const requests: PageRequest[] = [];
  const listen: Moment = ({ deps }) => {
    const { send } = deps.pager;
    Object.assign(deps, {
      pager: { send: (request: PageRequest) => (void requests.push(structuredClone(request)), send(request)) },
    });
  };
  const { world } = await play({ given: [...given, listen], timeline: { ...timeline, '9 min': ends() } });
  const standIns = await start();
  const eventsUrl = standIns.urls.pagerduty;
  const pager = pagerDuty({ eventsUrl, routingKey: async () => 'R'.repeat(32), clock: world.clock });
  for (const request of requests.filter(({ action }) => action === 'trigger'))
    expect(await pager.send(request)).toMatchObject({ kind: 'taken' });
  const bodies = (await calls(standIns, '?vendor=pagerduty')).map(({ body }) => body);
  return bodies.toReversed().map((body) => body as Arrived);
}

const refuses: Moment = (world) =>
  Object.assign(world, { rollbacks: [{ kind: 'refused', detail: 'answered 404: unknown service' }] });

test('a page says what broke and since when; a second page says why it was sent', async () => {
  const pages = await arrivedOf({
    given: [refuses],
    timeline: { '1 s': fires({ began: 120 }) },
  });
  expect(pages).toHaveLength(2);
  const [first, second] = pages;
  expect(first?.payload).toMatchObject({
    custom_details: {
      incident: expect.any(String),
      service: 'checkout',
      environment: 'production',
      problem: [expect.stringContaining('HighErrorRatio')],
      since: '2026-11-20 11:58 UTC',
      status: 'open',
      suspects: 'not known yet',
      automation: 'no decision yet',
      api: expect.stringMatching(/^GET \/v1\/incidents\/\w{26}$/),
    },
  });
  expect(first?.payload.summary).not.toContain('Page');
  const refused = 'The rollback was refused: answered 404: unknown service';
  expect(second?.payload.summary).toContain(`. Page 2: ${refused}`);
  expect(second?.payload.custom_details).toMatchObject({
    page_reason: refused,
    suspects: [expect.stringMatching(/^v2, \d+ %: /)],
    automation: expect.stringMatching(/^Rolls back v2 to v1: .*\. Failed: The rollback was refused/),
    next_step: expect.stringMatching(/Try again: \/rollback checkout production v1\..*\/incident handover/),
  });
});

test('a page for a question contains the question, its number, and how to answer it', async () => {
  const [page] = await arrivedOf({
    given: [mode('approve')],
    timeline: { '1 s': fires({ labels: { severity: 'warning' } }) },
  });
  expect(page?.payload.summary).toMatch(/A rollback is waiting for approval$/);
  expect(page?.payload.custom_details).toMatchObject({
    page_reason: 'A rollback is waiting for approval',
    question: expect.stringMatching(
      /^Question 1: Roll checkout in production back from v2 to v1\? .*firebreak incident approve \w{26} 1,/,
    ),
  });
});

test('a page is sent even if its details cannot be read', async () => {
  const unreadable: Moment = (world) =>
    world.on('incidents.story', {
      before: () => {
        throw new Error('the table is throttled');
      },
    });
  const [page] = await arrivedOf({ given: [unreadable], timeline: { '1 s': fires() } });
  expect(page?.payload.custom_details).toEqual({
    incident: expect.any(String),
    service: 'checkout',
    environment: 'production',
  });
});

test.each([
  ['in Slack', false, ['https://slack.com/app_redirect?channel=C0123']],
  ['not at a stand-in for it', true, []],
])('a page links to the channel %s', async (_, standIn, expected) => {
  const channel: Moment = async (world) => {
    Object.assign(world.deps.chat, { standIn: async () => standIn });
    world.on('incidents.story', { before: () => joins(world) });
  };
  const joins = ({ deps, store }: Parameters<Moment>[0]) =>
    deps.incidents.setChannel([...store.dossiers.keys()][0] ?? expect.unreachable(), '#incident-1', 'C0123');
  const [page] = await arrivedOf({ given: [channel], timeline: { '1 s': fires() } });
  expect(page?.links.map(({ href }) => href)).toEqual(expected);
  expect(page?.payload.custom_details).toMatchObject({ channel: '#incident-1' });
});
