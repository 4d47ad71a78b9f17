import { expect, test } from 'vitest';
import { pageKey } from '../../../../core/domain/paging/pages.ts';
import type { ExternalPager } from '../../../../core/domain/ports/external-pager.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import { noteDecisionsAtPager } from '../../../../core/actions/paging/note-pages.ts';
import { externalPagerDuty } from '../../../../vendors/pagerduty/external-incidents.ts';
import { pagerDuty } from '../../../../vendors/pagerduty/pager.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { FakeWorld } from '../../../support/fake-deps.ts';
import { type Incident, incidents, start } from '../../../../packages/sandbox/test/support.ts';
import { acting, ends, fires, type Moment, play, says, theIncident } from '../../../workflows/play.ts';
import { pageRequest } from '../../../../workflows/steps/page.ts';

const asking = { autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' } };

const noting =
  (notes: boolean): Moment =>
  (world) => {
    world.config = Config.parse({ ...acting(asking), response: { pagerduty: { notes } } });
  };

/** Starts a PagerDuty stand-in. `taken` sends a page to it, and `look` runs the job that adds notes. */
async function pagerAt() {
  const { urls } = await start();
  const notesOf = async ({ id }: Incident): Promise<string[]> => {
    const headers = { authorization: 'Token token=u+test' };
    const response = await fetch(`${urls.pagerduty}/incidents/${id}/notes`, { headers });
    return ((await response.json()) as { notes: { content: string }[] }).notes.map(({ content }) => content);
  };
  return {
    taken: async (world: FakeWorld, number: number) => {
      const pager = pagerDuty({
        eventsUrl: urls.pagerduty,
        routingKey: async () => 'R'.repeat(32),
        clock: world.clock,
      });
      const incident = (await world.deps.incidents.read(theIncident(world))) ?? expect.unreachable();
      await pager.send(pageRequest(incident, pageKey(incident.id, number), world.deps));
    },
    look: async (world: FakeWorld, more: Partial<Product> = {}) => {
      const at = {
        apiUrl: async () => urls.pagerduty,
        token: async () => 'u+test',
        from: async () => 'firebreak@example.com',
      };
      const externalPager = externalPagerDuty({ ...at, clock: world.clock });
      await noteDecisionsAtPager({ ...world.deps, externalPager, ...more }, await world.deps.incidents.open());
    },
    notes: async () => Promise.all((await incidents({ urls } as never)).map(notesOf)),
  };
}

const noted = ({ store }: FakeWorld) =>
  [...store.dossiers.values()].flatMap(({ effects }) =>
    [...effects.values()].filter(({ kind }) => kind === 'page-note'),
  );

test('a decision newer than the page is added as a note once, with the question and its number', async () => {
  const pager = await pagerAt();
  const looks: Moment = async (world) => {
    await pager.taken(world, 1);
    await pager.look(world);
    await pager.look(world);
  };
  const { world } = await play({ given: [noting(true)], timeline: { '0 s': fires(), '30 s': looks, '9 min': ends() } });
  const [[note = '', ...others] = []] = await pager.notes();
  expect(others).toEqual([]);
  expect(note).toMatch(/^Firebreak tracks this as INC-\d+: checkout production, critical: /);
  expect(note).toMatch(
    /\nNext step: Roll checkout in production back from v2 to v1\? .*\nEvidence: Probable cause: v2 .*\nWhy not automatic: Asks because .*\nAnswer: Question 1: .* INC-1 1,.*\n/,
  );
  expect(note).toMatch(/\nSuspects:\n- v2, \d+ %: /);
  expect(note).toMatch(/\nCurrent state: GET \/v1\/incidents\/\w{26}\n/);
  expect(noted(world)).toMatchObject([
    { key: expect.stringMatching(/\.page\.1\.note-1$/), state: 'succeeded', class: 'findable' },
  ]);
});

test.each<[string, Moment, Moment, number]>([
  ['if notes are not configured', noting(false), () => undefined, 1],
  ['if the page is newer than the decision', noting(true), says({ kind: 'page', by: 'person:ada', note: 'look' }), 2],
])('no note is added %s', async (_, given, pagesAgain, number) => {
  const pager = await pagerAt();
  const looks: Moment = async (world) => {
    await pager.taken(world, number);
    await pager.look(world);
  };
  const timeline = { '0 s': fires(), '20 s': pagesAgain, '30 s': looks, '9 min': ends() };
  const { world } = await play({ given: [given], timeline });
  expect(await pager.notes()).toEqual([[]]);
  expect(noted(world)).toEqual([]);
});

test('a failed note is retried, and a refused one is recorded once', async () => {
  const pager = await pagerAt();
  const asked: string[] = [];
  const answering = (kind: 'later' | 'refused'): Partial<Product> => ({
    externalPager: {
      paged: async (key: string) => {
        asked.push(`${kind} ${key.split('.').slice(1).join('.')}`);
        return { kind, code: 'forbidden', detail: 'answered 4xx', afterSeconds: null };
      },
    } as unknown as ExternalPager,
  });
  const looks: Moment = async (world) => {
    for (const kind of ['later', 'later', 'refused', 'refused'] as const) await pager.look(world, answering(kind));
  };
  const { world } = await play({ given: [noting(true)], timeline: { '0 s': fires(), '30 s': looks, '9 min': ends() } });
  expect(asked).toEqual(['later page.1', 'later page.1', 'refused page.1']);
  expect(noted(world)).toMatchObject([{ state: 'failed', detail: 'Note not added to PagerDuty: answered 4xx' }]);
});
