import { html } from 'hono/html';
import { experimentPath } from '../../../core/domain/incidents/console-link.ts';
import type { Conclusion, Experiment, ExperimentId, ExperimentStatus } from '../experiment.ts';
import { type Html, servicePath } from '../../../entrances/console/parts.ts';

export const EXPERIMENTS_PATH = '/console/experiments';

/** Returns the address of the report of an experiment, as Markdown. */
export const reportPath = (id: ExperimentId): string => `${experimentPath(id)}/report`;

const STATES: Readonly<Record<ExperimentStatus, readonly [word: string, look: string]>> = {
  preparing: ['measuring the steady state', ''],
  ready: ['ready to start', ''],
  running: ['running', 'warning'],
  stopping: ['stopping', 'critical'],
  settling: ['grace period', 'warning'],
  ended: ['ended', ''],
};

const OUTCOMES: Readonly<Record<Conclusion['outcome'], readonly [word: string, look: string]>> = {
  held: ['hypothesis held', 'effect-succeeded'],
  failed: ['hypothesis failed', 'critical'],
  inconclusive: ['inconclusive', 'warning'],
};

/** Shows the outcome of an experiment or, until it is over, its state. */
export function experimentBadge({ status, conclusion }: Pick<Experiment, 'status' | 'conclusion'>): Html {
  const [word, look] = conclusion === null ? STATES[status] : OUTCOMES[conclusion.outcome];
  return html`<span class="badge ${look}">${word}</span>`;
}

/** Lists the services of an experiment. */
export const scopeOf = ({ scope }: Pick<Experiment, 'scope'>): Html =>
  html`${scope.map(
    ({ service, environment }, n) =>
      html`${n === 0 ? '' : ', '}<a href="${servicePath(service)}">${service}</a> ${environment}`,
  )}`;
