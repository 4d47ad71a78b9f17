import { html } from 'hono/html';
import { placeNames } from '../../../../core/domain/messages/place-names.ts';
import { UNMATCHED } from '../../../../schemas/config/names.ts';
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

const badge = ([word, look]: (typeof STATES)[keyof typeof STATES]): Html =>
  html`<span class="badge ${look}">${word}</span>`;

export const stepBadge = (status: RunStepStatus): Html => badge(STATES[status]);

/** Shows the state of a run. Green is only one that has done something. */
export function runBadge({ status, steps }: Pick<RunView, 'status' | 'steps'>): Html {
  const has = (one: RunStepStatus): boolean => steps.some((step) => step.status === one);
  if (has('waiting')) return badge(STATES.waiting);
  const [word, look] = STATES[status];
  return badge([word, status === 'finished' && !has('succeeded') ? '' : look]);
}

export const starterText = ({ by }: Pick<RunView, 'by'>): string => by ?? 'an alert';

/** Counts the steps as the timeline does. */
function stepsText({ steps }: RunView): string {
  const countOf = (status: RunStepStatus): number => steps.filter((step) => step.status === status).length;
  const skipped = countOf('skipped');
  return `${countOf('succeeded')} of ${steps.length}${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** Names the service and environment. Of alerts that match no service, there is no page. */
function placeCell({ service, environment }: RunView): Html {
  const [name = service, shown = ''] = placeNames({ service, environment });
  return html`${service === UNMATCHED ? name : html`<a href="${servicePath(service)}">${name}</a>`}
    <span class="quiet target">${shown}</span>`;
}

export const runsTable = (runs: readonly RunView[], at: Timestamp): Html =>
  tableOf(
    'Runs',
    ['Run', 'State', 'Service', 'Steps', 'Started'],
    runs.map((run): Cells => [
      html`<a href="${runPath(run.id)}">${run.title}</a>`,
      runBadge(run),
      placeCell(run),
      stepsText(run),
      html`${ago(run.started_at, at)} <span class="quiet target">by ${starterText(run)}</span>`,
    ]),
  );
