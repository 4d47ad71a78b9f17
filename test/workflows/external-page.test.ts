import { describe, expect, test } from 'vitest';
import type { Effect } from '../../schemas/incidents/incident.ts';
import { externalPaths } from './stories/external-pages.ts';
import { play } from './play.ts';

/** Returns the effects of a story's incident, in order. */
async function effectsOf(name: string): Promise<Effect[]> {
  const path = externalPaths[name];
  if (path === undefined) throw new Error(`there is no story ${name}`);
  const { world } = await play(path);
  const [dossier] = world.store.dossiers.values();
  return [...(dossier?.effects.values() ?? [])];
}

const followed = { id: 'Q1', url: 'https://acme.pagerduty.test/incidents/Q1', assigned_to: ['Ada'] };

describe('with external paging', () => {
  test('Firebreak follows the external page, with its assignees and its link', async () => {
    expect(await effectsOf('external-page-is-found')).toMatchObject([
      {
        kind: 'page',
        class: 'findable',
        state: 'succeeded',
        detail: `Following PagerDuty incident Q1 (found by the key of its alert group), assigned to Ada, ${followed.url}`,
        followed,
      },
      { kind: 'page-note', class: 'findable', state: 'succeeded', detail: 'Note added to PagerDuty incident Q1' },
    ]);
  });

  test('a refused note does not undo the page', async () => {
    expect(await effectsOf('external-page-note-is-refused')).toMatchObject([
      { kind: 'page', state: 'succeeded', followed },
      { kind: 'page-note', state: 'failed', detail: 'Note not added to PagerDuty incident Q1: no' },
    ]);
  });

  test.each([
    ['no-external-page-found', 'no open incident at PagerDuty has the key of the alert group'],
    ['refused-external-page-search-pages', 'answered 401'],
    ['slow-external-page-search-pages', 'answered 503'],
    ['failed-external-page-search-pages', 'the search for an external page failed: Error: a bug'],
    [
      'external-page-was-acknowledged-earlier',
      'PagerDuty incident Q1 was found, but it was acknowledged by Ada earlier, so alerts added to it notify nobody',
    ],
  ])('%s, and the effect gives the reason', async (name, because) => {
    const effects = await effectsOf(name);
    expect(effects[0]).toMatchObject({
      key: expect.stringMatching(/\.page\.1$/),
      state: 'succeeded',
      detail: `Paged: accepted; paged by Firebreak, because ${because}`,
    });
    expect(effects.at(-1)).toMatchObject({ kind: 'page-resolve', state: 'succeeded' });
  });

  test('Firebreak pages itself if the external page is already acknowledged', async () => {
    const [first, , second] = await effectsOf('new-external-page-needs-an-acknowledgement');
    expect(first).toMatchObject({ state: 'succeeded', followed });
    expect(second).not.toHaveProperty('followed');
    expect(second).toMatchObject({
      key: expect.stringMatching(/\.page\.2$/),
      state: 'succeeded',
      detail: expect.stringContaining('already acknowledged by Ada, so it would not notify anyone again'),
    });
  });
});
