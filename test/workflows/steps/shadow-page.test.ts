import { expect, test } from 'vitest';
import { follows, names } from '../stories/runbooks.ts';
import { configured, ends, fires, type Moment, play, says } from '../play.ts';

const PAGE = 'pager trigger page.1 critical';
const RESOLVE = 'pager resolve page.1 critical';
const SHADOW = { autoRollback: { mode: 'shadow' } };

const asks: Moment = says({ kind: 'page', by: 'person:ada', note: '' });

/** The alert has a runbook that waits for a condition that is never met. */
const followsInVain = (more: object): Moment => follows({ waits: WAITS }, more);
const WAITS = `steps:
  - { id: wait, uses: wait.until, with: { cel: 'incident.firing > 5' }, timeout: 1m }
`;

test.each([
  ['never with shadow.page off', { ...SHADOW, shadow: {} }, []],
  ['once more with shadow.page on', { ...SHADOW, shadow: { page: true } }, [PAGE, 'pager trigger page.2 critical']],
])('a runbook that fails in mode shadow pages %s', async (_what, own, calls) => {
  const timeline = { '0 s': fires(names('waits')), '5 min': ends(names('waits')) };
  const { world } = await play({ given: [followsInVain(own)], timeline });
  expect(world.calls.filter((call) => call.startsWith('pager trigger'))).toEqual(calls);
  const [dossier] = world.store.dossiers.values();
  expect(dossier?.timeline.map(({ kind }) => kind)).toContain('runbook.failed');
});

test.each<[what: string, own: object, paging: object, timeline: Record<string, Moment>, calls: string[]]>([
  ['by default', SHADOW, {}, { '0 s': fires(), '5 min': ends() }, [PAGE, RESOLVE]],
  [
    'never with shadow.page off in the environment',
    { ...SHADOW, shadow: {} },
    {},
    { '0 s': fires(), '5 min': ends() },
    [],
  ],
  [
    'never with shadow.page off in the paging settings',
    SHADOW,
    { shadow: {} },
    { '0 s': fires(), '5 min': ends() },
    [],
  ],
  [
    'with shadow.page on',
    { ...SHADOW, shadow: { page: true } },
    {},
    { '0 s': fires(), '5 min': ends() },
    [PAGE, RESOLVE],
  ],
  [
    'with shadow.page off, if a person requests a page',
    { ...SHADOW, shadow: {} },
    {},
    { '0 s': fires(), '2 min': asks, '5 min': ends() },
    ['pager trigger page.2 critical', 'pager resolve page.2 critical'],
  ],
])('an alert in mode shadow pages %s', async (_what, own, paging, timeline, calls) => {
  const { world } = await play({ given: [configured(own, paging)], timeline });
  expect(world.calls.filter((call) => call.startsWith('pager'))).toEqual(calls);
  const [dossier] = world.store.dossiers.values();
  const first = [...(dossier?.effects.values() ?? [])].find(({ kind }) => kind === 'page');
  const withheld = {
    state: 'withheld',
    detail: 'Not paged: the service is in shadow mode, and shadow.page is false',
  };
  expect(first).toMatchObject(calls.includes(PAGE) ? { state: 'succeeded' } : withheld);
});
