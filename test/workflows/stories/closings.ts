import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { wake } from '../../../workflows/wake.ts';
import { answers, configured, ends, fires, type Moment, repeats, says, theIncident } from '../play.ts';
import type { Path } from './rollbacks.ts';

/** A day of quiet times passes in an hour, as with FIREBREAK_TIME_SCALE. */
export const DAY_IN_AN_HOUR: Moment = ({ deps }) => void Object.assign(deps, { timeScale: 24 });

const shadow = configured({ autoRollback: { mode: 'shadow' } }, { autoResolveHours: 1 });
const asks = configured(
  { autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 600 } },
  { autoResolveHours: 1 },
);

export const declares: Moment = async ({ deps }) => {
  const by = { title: 'customers cannot pay', severity: 'critical', by: 'person:ada', trace: 't' } as const;
  const { id } = await deps.incidents.declare({ ...target, ...by });
  await wake(deps, id);
};

const notes =
  (text: string): Moment =>
  async (world) =>
    world.deps.incidents.note(theIncident(world), `note ${text}`, {
      at: world.clock.now(),
      actor: 'person:ada',
      kind: 'note',
      text,
      detail: null,
    });

export const reopens: Moment = async (world) => {
  const id = theIncident(world);
  await world.deps.incidents.reopen(id, { by: 'person:ada', note: '' });
  await wake(world.deps, id);
};

const target = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

const PAGE = 'pager trigger page.1 critical';
const RESOLVE = 'pager resolve page.1 critical';

/** Incidents that close, or don't, without a report that their alerts have ended. */
export const closingPaths: Record<string, Path> = {
  'closes-after-auto-resolve-hours': {
    given: [DAY_IN_AN_HOUR, shadow],
    timeline: { '0 s': fires() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'repeated-alert-keeps-the-incident-open': {
    given: [DAY_IN_AN_HOUR, shadow],
    timeline: { '0 s': fires(), '50 min': repeats(), '100 min': repeats(), '130 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'open-question-keeps-the-incident-open': {
    given: [DAY_IN_AN_HOUR, asks],
    timeline: { '0 s': fires(), '100 min': answers('rejected') },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'note-keeps-the-incident-open': {
    given: [shadow],
    timeline: {
      '0 s': declares,
      '50 min': notes('the caches are still cold'),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'bad-health-keeps-the-incident-open': {
    given: [
      DAY_IN_AN_HOUR,
      configured(
        { autoRollback: { mode: 'shadow' }, health: { promql: 'job:checkout:error_ratio', max: 0.01 } },
        { autoResolveHours: 1 },
      ),
      ({ deps, clock }) => {
        const end = plusSeconds(clock.now(), 150 * 60);
        deps.metrics.value = async () => ({ kind: 'value', value: clock.now() < end ? 0.4 : 0.001 });
      },
    ],
    timeline: { '0 s': fires() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'end-of-an-alert-arrives-a-day-late': {
    given: [DAY_IN_AN_HOUR, configured({ autoRollback: { mode: 'shadow' } }, { autoResolveHours: 4 })],
    timeline: { '0 s': fires(), '90 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'unverified-incident-is-reopened-by-its-alert': {
    given: [DAY_IN_AN_HOUR, shadow],
    timeline: { '0 s': fires(), '100 min': fires(), '103 min': ends() },
    calls: [PAGE, RESOLVE, 'pager trigger page.2 critical', 'pager resolve page.2 critical'],
    status: 'resolved',
  },
  'person-reopens-an-incident': {
    given: [DAY_IN_AN_HOUR, shadow],
    timeline: {
      '0 s': fires(),
      '100 min': reopens,
      '104 min': says({ kind: 'resolve', by: 'person:ada', note: 'it is over' }),
    },
    calls: [PAGE, RESOLVE, 'pager trigger page.2 critical', 'pager resolve page.2 critical'],
    status: 'resolved',
  },
};
