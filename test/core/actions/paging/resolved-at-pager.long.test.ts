import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group } from '../../../support/alerts.ts';
import { Firebreak } from '../../../support/firebreak.ts';
import { routed, seen } from '../../../support/fixtures.ts';

/* The whole product, with pages that are resolved at PagerDuty without an acknowledgement. */

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 120, // ten minutes are five seconds
    services: { checkout: { environments: { production: null } } },
    configFiles: {
      'people.yaml': 'people:\n  ada: { name: Ada, pagerduty: PADA001 }\n',
      'response.yaml': 'escalation: { afterMinutes: 10, times: 2, how: fallback }\n', // there is no fallback pager
    },
  });
});
afterAll(() => firebreak?.remove());

type Shown = { id: string; status: string };
const pages = async (): Promise<Shown[]> =>
  (await firebreak.get('/sandbox/state')).body.views.pagerduty.incidents.toReversed();

test('a page that is resolved at PagerDuty while its alert fires is escalated', async () => {
  await routed(firebreak, await firebreak.post('/v1/alerts/alertmanager', group([alert({})])));
  const page = await seen(async () => (await pages())[0], 'a page');
  const { body } = await firebreak.get('/v1/incidents?service=checkout');
  const incident = `/v1/incidents/${body.items[0].id}`;
  const timeline = async (): Promise<{ kind: string; text: string }[]> =>
    (await firebreak.get(`${incident}/timeline`)).body.items.toReversed();

  // An update that was sent before would open the page again at PagerDuty.
  await seen(async () => (await timeline()).some(({ kind }) => kind === 'page-update.succeeded'), 'its update');
  await firebreak.request('POST', `/sandbox/pagerduty/incidents/${page.id}/resolve`, { by: 'Ada Park' });
  await seen(async () => (await timeline()).some(({ kind }) => kind === 'page.dismissed'), 'that it was swept away');
  await seen(async () => (await pages()).length === 2, 'another page');

  const told = (await timeline()).filter(({ kind }) => /^page\.(dismissed|escalated)|^page-fallback/.test(kind));
  expect(told.map(({ kind, text }) => [kind, text])).toEqual([
    [
      'page.dismissed',
      'Resolved at PagerDuty by Ada, but 1 alert still fires; the incident stays open until it is resolved in Firebreak',
    ],
    ['page-fallback.withheld', expect.stringMatching(/no fallback/)],
    [
      'page.escalated',
      expect.stringMatching(
        /^Page 1 was not acknowledged within 10 minutes \(escalation 1 of 2\): paging again, because/,
      ),
    ],
  ]);
  expect((await firebreak.get(incident)).body).toMatchObject({ status: 'open', roles: {} });
  // The other page stays open.
  expect((await pages()).map(({ status }) => status)).toEqual(['resolved', 'triggered']);
});
