import type { ExternalFound, ExternalIncident } from '../../../core/domain/ports/external-pager.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import { wake } from '../../../workflows/wake.ts';
import { configured, ends, fires, type Moment, says, theIncident } from '../play.ts';
import type { Path } from './rollbacks.ts';

/** Stories with external paging by Alertmanager. Their alert fires at noon. */

const external = configured({ autoRollback: { mode: 'shadow' } }, { mode: 'external' });

const vendors =
  (answer: Partial<Pick<FakeWorld, 'outside' | 'notes' | 'pages' | 'fallbackPager'>>): Moment =>
  (world) => {
    Object.assign(world, answer);
  };

const rings: ExternalIncident = {
  id: 'Q1',
  url: 'https://acme.pagerduty.test/incidents/Q1',
  title: '[FIRING:1] HighErrorRatio',
  status: 'triggered',
  acknowledgedBy: [],
  assignedTo: ['Ada'],
  acknowledged: null,
  resolvedBy: null,
  createdAt: '2026-11-20T12:00:01.000Z' as Timestamp,
};
const acknowledged: ExternalIncident = { ...rings, status: 'acknowledged', acknowledgedBy: ['Ada'] };
const at = (createdAt: string) => ({ createdAt: createdAt as Timestamp });

const found = (incident: ExternalIncident): VendorResponse<ExternalFound> => ({
  kind: 'done',
  value: { incident, by: 'group_key' },
});
const none: VendorResponse<ExternalFound> = {
  kind: 'done',
  value: { incident: null, because: 'no open incident at PagerDuty has the key of the alert group' },
};
const later = (afterSeconds: number | null) => ({ kind: 'later', detail: 'answered 503', afterSeconds }) as const;
const taken: Attempt = { kind: 'taken', detail: 'accepted' };

const pageAgain = says({ kind: 'page', by: 'person:ada', note: '' });

/** The execution fails, and the sweeper starts the next run. */
const dies: Moment = async (world) => {
  const id = theIncident(world);
  world.kill(id, 1);
  await world.deps.incidents.handOver(id, 2, 'Run 1 of the workflow has died; run 2 takes over');
  await wake(world.deps, id);
};

const LOOK = 'look for a page of others';
const NOTE = 'note on Q1';
const PAGE = 'pager trigger page.1 critical';
const RESOLVE = 'pager resolve page.1 critical';
const PAGE_AGAIN = 'pager trigger page.2 critical';
const RESOLVE_AGAIN = 'pager resolve page.2 critical';
const times = (count: number, call: string): string[] => Array.from({ length: count }, () => call);

const itFiresAndEnds = { '0 s': fires(), '20 min': ends() };

export const externalPaths: Record<string, Path> = {
  // The external page is found and has an assignee.
  'external-page-is-found': {
    given: [external, vendors({ outside: [found(rings)] })],
    timeline: itFiresAndEnds,
    calls: [LOOK, NOTE],
    status: 'resolved',
  },
  'external-page-after-ours': {
    given: [external, vendors({ outside: [none, later(null), later(20), found(rings)] })],
    timeline: itFiresAndEnds,
    calls: [...times(4, LOOK), NOTE],
    status: 'resolved',
  },
  'external-page-is-acknowledged-at-once': {
    given: [external, vendors({ outside: [found(acknowledged)] })],
    timeline: itFiresAndEnds,
    calls: [LOOK, NOTE],
    status: 'resolved',
  },
  'external-page-note-is-refused': {
    given: [external, vendors({ outside: [found(rings)], notes: [{ kind: 'refused', code: 'x', detail: 'no' }] })],
    timeline: itFiresAndEnds,
    calls: [LOOK, NOTE],
    status: 'resolved',
  },
  'external-page-note-is-unclear-at-first': {
    given: [
      external,
      vendors({
        outside: [found(rings)],
        notes: [{ kind: 'unclear', detail: 'no answer' }, later(40), { kind: 'done', value: null }],
      }),
    ],
    timeline: itFiresAndEnds,
    calls: [LOOK, ...times(3, NOTE)],
    status: 'resolved',
  },
  'external-page-repeats-unacknowledged': {
    given: [external, vendors({ outside: [found(rings)] })],
    timeline: { '0 s': fires(), '2 min': pageAgain, '20 min': ends() },
    calls: [LOOK, NOTE, LOOK, NOTE],
    status: 'resolved',
  },
  'crash-during-the-search-for-an-external-page': {
    given: [external, vendors({ outside: [none, none, found(rings)] })],
    timeline: { '0 s': fires(), '15 s': dies, '20 min': ends() },
    calls: [LOOK, LOOK, LOOK, NOTE],
    status: 'resolved',
  },
  'closes-during-the-search-for-an-external-page': {
    given: [external, vendors({ outside: [none] })],
    timeline: { '0 s': fires(), '25 s': ends() },
    calls: times(3, LOOK),
    status: 'resolved',
  },

  // When in doubt, Firebreak pages.
  'no-external-page-found': {
    given: [external, vendors({ outside: [none] })],
    timeline: itFiresAndEnds,
    calls: [...times(8, LOOK), PAGE, RESOLVE],
    status: 'resolved',
  },
  'external-page-is-already-resolved': {
    given: [external, vendors({ outside: [found({ ...rings, status: 'resolved' })] })],
    timeline: itFiresAndEnds,
    calls: [...times(8, LOOK), PAGE, RESOLVE],
    status: 'resolved',
  },
  'slow-external-page-search-pages': {
    given: [external, vendors({ outside: [later(60)] })],
    timeline: itFiresAndEnds,
    calls: [LOOK, LOOK, PAGE, RESOLVE],
    status: 'resolved',
  },
  'refused-external-page-search-pages': {
    given: [external, vendors({ outside: [{ kind: 'refused', code: 'unauthorized', detail: 'answered 401' }] })],
    timeline: itFiresAndEnds,
    calls: [LOOK, PAGE, RESOLVE],
    status: 'resolved',
  },
  'disabled-external-page-search-pages': {
    given: [external, vendors({ outside: [{ kind: 'off', detail: 'no token' }] })],
    timeline: { '0 s': fires(), '2 min': pageAgain, '20 min': ends() },
    // Firebreak paged first, so it also sends the second page.
    calls: [LOOK, PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'failed-external-page-search-pages': {
    given: [
      external,
      (world) =>
        world.on('externalPager.find', {
          before: () => {
            throw new Error('a bug');
          },
        }),
    ],
    timeline: itFiresAndEnds,
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'external-page-was-acknowledged-earlier': {
    given: [external, vendors({ outside: [found({ ...acknowledged, ...at('2026-11-20T11:55:00.000Z') })] })],
    timeline: itFiresAndEnds,
    calls: [LOOK, PAGE, RESOLVE],
    status: 'resolved',
  },
  'external-page-stays-unacknowledged': {
    given: [external, vendors({ outside: [found({ ...rings, ...at('2026-11-20T09:00:00.000Z') })] })],
    timeline: itFiresAndEnds,
    calls: [LOOK, PAGE, RESOLVE],
    status: 'resolved',
  },
  'new-external-page-needs-an-acknowledgement': {
    given: [external, vendors({ outside: [found(rings), found(acknowledged)] })],
    timeline: { '0 s': fires(), '2 min': pageAgain, '20 min': ends() },
    calls: [LOOK, NOTE, LOOK, PAGE_AGAIN, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'no-external-page-and-unreachable-pager-use-the-fallback': {
    given: [
      external,
      vendors({
        outside: [none],
        pages: [later(null), later(null), later(null), later(null), later(null), taken],
        fallbackPager: [{ kind: 'taken', detail: 'answered 204' }],
      }),
    ],
    timeline: itFiresAndEnds,
    calls: [...times(8, LOOK), ...times(5, PAGE), 'fallback pager trigger page.1.second critical', PAGE, RESOLVE],
    status: 'resolved',
  },
};
