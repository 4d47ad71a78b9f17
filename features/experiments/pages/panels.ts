import { html } from 'hono/html';
import { experimentPath } from '../../../core/domain/incidents/console-link.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import type { ConsoleDeps, NowPart } from '../../../entrances/console/pages/page.ts';
import { ago, clockTime, type Html, panel, shortList } from '../../../entrances/console/parts.ts';
import type { Experiment } from '../experiment.ts';
import { withPorts, type ExperimentPorts } from '../ports.ts';
import { experimentBadge, EXPERIMENTS_PATH, scopeOf } from './parts.ts';

const EXPERIMENTS_READ = 25;
const BEFORE_INCIDENT_SECONDS = 3600;

const isVisible = ({ may }: Pick<Viewer, 'may'>, { scope }: Pick<Experiment, 'scope'>): boolean =>
  scope.every((serviceEnvironment) => may('experiments:read', serviceEnvironment));

/** Shows the chaos experiments that are not over. */
export async function nowPanel(deps: ConsoleDeps, viewer: Viewer, at: Timestamp): Promise<NowPart> {
  if (!viewer.may('experiments:read', {})) return '';
  const unfinished = await withPorts(deps).experiments.unfinished();
  const visible = unfinished.filter((experiment) => isVisible(viewer, experiment));
  return visible.length === 0 ? { quiet: 'experiment' } : unfinishedPanel(visible, at);
}

export function unfinishedPanel(experiments: readonly Experiment[], at: Timestamp): Html {
  const body = shortList(
    experiments,
    (experiment) =>
      html`<p><a href="${experimentPath(experiment.id)}">${experiment.name}</a> ${experimentBadge(experiment)}</p>
        <p>${scopeOf(experiment)}</p>
        <p class="quiet">
          ${experiment.reason}${experiment.started_at === null ? '' : html` · started ${ago(experiment.started_at, at)}`}${experiment.expected === 0 ? '' : ` · ${experiment.expected === 1 ? '1 alert' : `${experiment.expected} alerts`} kept quiet`}
        </p>`,
  );
  return panel(
    'experiments',
    'Experiments',
    experiments.length,
    html`${body}
      <p class="more"><a href="${EXPERIMENTS_PATH}">All experiments</a></p>`,
  );
}

/** Shows the experiments on the service and environment of an incident at its time, newest first. Empty: none. */
export async function incidentPanel(
  deps: ConsoleDeps,
  viewer: Viewer,
  incident: IncidentRecord,
  at: Timestamp,
): Promise<Html | ''> {
  if (!viewer.may('experiments:read', incident)) return '';
  const found = await experimentsAt(withPorts(deps), incident);
  return experimentsPanel(
    found.filter((experiment) => isVisible(viewer, experiment)),
    at,
  );
}

export function experimentsPanel(experiments: readonly Experiment[], at: Timestamp): Html | '' {
  if (experiments.length === 0) return '';
  return panel(
    'experiments',
    'Experiments',
    experiments.length,
    html`<ul class="rows">
      ${experiments.map(
        (experiment) =>
          html`<li>
            <p><a href="${experimentPath(experiment.id)}">${experiment.name}</a> ${experimentBadge(experiment)}</p>
            <p class="quiet">
              ${experiment.started_at === null ? '' : html`started ${clockTime(experiment.started_at, at)}`}${experiment.expected === 0 ? '' : `, ${experiment.expected === 1 ? '1 alert' : `${experiment.expected} alerts`} kept quiet`}
            </p>
          </li>`,
      )}
    </ul>`,
  );
}

/** Finds those among the newest experiments that ran during the incident, or ended shortly before it. */
async function experimentsAt(
  { experiments }: Pick<ExperimentPorts, 'experiments'>,
  { service, environment, opened_at: opened, resolved_at: resolved }: IncidentRecord,
): Promise<Experiment[]> {
  const { items } = await experiments.list({ limit: EXPERIMENTS_READ });
  return items.filter(
    ({ scope, started_at: started, ended_at: ended }) =>
      scope.some(
        (serviceEnvironment) =>
          serviceEnvironment.service === service && serviceEnvironment.environment === environment,
      ) &&
      started !== null &&
      (resolved === null || started <= resolved) &&
      (ended === null || plusSeconds(ended, BEFORE_INCIDENT_SECONDS) >= opened),
  );
}
