import { html } from 'hono/html';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { retryRun, viewRun } from '../../../../core/actions/runbooks/start-run.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { RunId, type RunView } from '../../../../schemas/runbooks/parts/runs.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../http/context.ts';
import {
  actionForm,
  ago,
  type Cells,
  type Html,
  incidentLink,
  line,
  panel,
  servicePath,
  tableOf,
} from '../../parts.ts';
import type { ConsolePage, PageAction } from '../page.ts';
import { runbookPath, runBadge, RUNBOOKS_PATH, runPath, starterText, stepBadge } from './parts.ts';

export type RunData = Pick<Viewer, 'csrfToken'> & {
  at: Timestamp;
  run: RunView;
  mayAct: boolean;
};

const RETRY: PageAction = {
  permission: 'incidents:act',
  done: 'Retried.',
  async run(deps, { caller, param }) {
    const { id } = await retryRun(deps, caller, idOf(param));
    return html`<p>Retried: <a href="${runPath(id)}">the new run</a> continues from the failed step.</p>`;
  },
};

/** A run of a runbook with its steps. */
export const runPage: ConsolePage = {
  path: `${RUNBOOKS_PATH}/runs/:id`,
  label: null,
  within: RUNBOOKS_PATH,
  action: 'incidents:read',
  everySeconds: 4,
  actions: { retry: RETRY },
  async show(deps, { viewer: { caller, may, csrfToken }, param }) {
    const run = await viewRun(deps, idOf(param));
    const scope = { service: run.service, environment: run.environment };
    caller.allow('incidents:read', scope);
    const main = runMain({ at: deps.clock.now(), csrfToken, run, mayAct: may('incidents:act', scope) });
    return { title: `Run: ${run.title}`, main };
  },
};

/** @throws Refusal 404 */
function idOf(param: Readonly<Record<string, string>>): RunId {
  const id = RunId.safeParse(param['id']);
  if (!id.success) throw new Refusal(404, 'unknown-run', 'there is no such run');
  return id.data;
}

export const runMain = (data: RunData): Html => html`
  <h1 class="page-title">${data.run.title}</h1>
  <div class="stack">${summaryPanel(data)} ${stepsPanel(data)}</div>
`;

function summaryPanel({ run, at, mayAct, csrfToken }: RunData): Html {
  const { id, runbook, status, text, steps, service, environment, inputs } = run;
  const incident = { id: run.incident_id, number: run.incident_number };
  const isWaiting = steps.some((step) => step.status === 'waiting');
  const inputValues = Object.entries(inputs);
  return panel(
    'summary',
    'Run',
    null,
    html`<p>${runBadge(run)} ${text ?? ''}</p>
      ${
        isWaiting
          ? html`<p class="question">
              A step waits for approval.<a href="${incidentPath(incident)}#questions">Decide</a>
            </p>`
          : ''
      }
      <dl class="lines">
        ${line('Runbook', html`<a href="${runbookPath(runbook)}">${runbook}</a>`)}
        ${line('Service', html`<a href="${servicePath(service)}">${service}</a> ${environment}`)}
        ${line('Incident', incidentLink(incident))}
        ${line('Started', html`${ago(run.started_at, at)} by ${starterText(run)}`)}
        ${inputValues.length === 0 ? '' : line('Inputs', inputValues.map(([name, value]) => `${name}: ${value}`).join(', '))}
        ${run.retry_of === null ? '' : line('Continues', html`<a href="${runPath(run.retry_of)}">the failed run</a>`)}
        ${line('ID', html`<code>${id}</code>`)}
      </dl>
      ${
        status === 'failed' && mayAct
          ? html`<p class="hint">
                A retry is a new run. It begins at the failed step and repeats no step that is done.
              </p>
              <div class="buttons">
                ${actionForm(runPath(id), 'retry', csrfToken, html`<button id="do-retry">Retry</button>`)}
              </div>`
          : ''
      }`,
  );
}

const stepsPanel = ({ run: { steps } }: RunData): Html =>
  panel(
    'steps',
    'Steps',
    steps.length,
    tableOf(
      'Steps of the run',
      ['Step', 'State', 'Result'],
      steps.map(({ id, name, uses, status, detail }): Cells => [
        html`${name} <span class="quiet target">${uses}, ${id}</span>`,
        stepBadge(status),
        detail === '' ? '' : html`<span class="wrapped">${detail}</span>`,
      ]),
    ),
  );
