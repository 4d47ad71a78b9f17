import { html } from 'hono/html';
import type { RunStepStatus, RunView } from '../../../../schemas/runbooks/parts/runs.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { ago, type Cells, type Html, servicePath, tableOf } from '../../parts.ts';

export const RUNBOOKS_PATH = '/console/runbooks';

export const runbookPath = (name: string): string => `${RUNBOOKS_PATH}/${encodeURIComponent(name)}`;
export const runPath = (id: string): string => `${RUNBOOKS_PATH}/runs/${encodeURIComponent(id)}`;

/** A word for the state of a run or of a step, and the class of its badge. */
const STATES: Readonly<Record<RunView['status'] | RunStepStatus, readonly [word: string, look: string]>> = {
  running: ['in progress', 'effect-intended'],
  waiting: ['waits for approval', 'warning'],
  finished: ['finished', 'effect-succeeded'],
  succeeded: ['done', 'effect-succeeded'],
  stopped: ['stopped', 'info'],
  failed: ['failed', 'effect-failed'],
  pending: ['not run', ''],
  skipped: ['skipped', ''],
  declined: ['not approved', 'info'],
  withdrawn: ['withdrawn', 'info'],
};

export const runBadge = (status: RunView['status'] | RunStepStatus): Html =>
  html`<span class="badge ${STATES[status][1]}">${STATES[status][0]}</span>`;

export const starterText = ({ by }: Pick<RunView, 'by'>): string => by ?? 'an alert';

/** Counts the steps as the timeline does. */
function stepsText({ steps }: RunView): string {
  const countOf = (status: RunStepStatus): number => steps.filter((step) => step.status === status).length;
  const skipped = countOf('skipped');
  return `${countOf('succeeded')} of ${steps.length}${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

export const runsTable = (runs: readonly RunView[], at: Timestamp): Html =>
  tableOf(
    'Runs',
    ['Run', 'State', 'Service', 'Steps', 'Started'],
    runs.map((run): Cells => [
      html`<a href="${runPath(run.id)}">${run.title}</a>`,
      runBadge(run.steps.some(({ status }) => status === 'waiting') ? 'waiting' : run.status),
      html`<a href="${servicePath(run.service)}">${run.service}</a>
        <span class="quiet target">${run.environment}</span>`,
      stepsText(run),
      html`${ago(run.started_at, at)} <span class="quiet target">by ${starterText(run)}</span>`,
    ]),
  );
