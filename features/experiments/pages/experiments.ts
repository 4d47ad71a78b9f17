import { withPorts } from '../ports.ts';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { html } from 'hono/html';
import { ServiceName } from '../../../schemas/config/names.ts';
import type { Experiment } from '../experiment.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { ago, type Cells, type Html, nothing, olderLink, panel, tableOf } from '../../../entrances/console/parts.ts';
import { experimentPath } from '../../../core/domain/incidents/console-link.ts';
import { experimentBadge, EXPERIMENTS_PATH, scopeOf } from './parts.ts';
import type { ConsolePage } from '../../../entrances/console/pages/page.ts';

const EXPERIMENTS_SHOWN = 30;

/** Chaos experiments, newest first. */
export const experimentsPage: ConsolePage = {
  path: EXPERIMENTS_PATH,
  label: 'Experiments',
  section: 'Reliability',
  action: 'experiments:read',
  everySeconds: 10,
  async show(deps, { viewer: { may }, query }) {
    const from = query.get('from') || undefined;
    const named = { service: ServiceName.safeParse(query.get('service')).data };
    const { service } = inConfiguredSpelling(await deps.config.current(), named);
    const { items, next_cursor: older } = await withPorts(deps).experiments.list({
      limit: EXPERIMENTS_SHOWN,
      ...(from !== undefined && { cursor: from }),
      ...(service !== undefined && { service }),
    });
    const visible = items.filter(({ scope }) =>
      scope.every((serviceEnvironment) => may('experiments:read', serviceEnvironment)),
    );
    const main = experimentsMain({ at: deps.clock.now(), items: visible, service: service ?? null, older });
    return { title: 'Experiments', main };
  },
};

type ExperimentsData = {
  at: Timestamp;
  items: readonly Experiment[];
  service: string | null;
  older: string | null;
};

const experimentsMain = ({ at, items, service, older }: ExperimentsData): Html => html`
  <h1 class="page-title">Experiments${service === null ? '' : ` on ${service}`}</h1>
  ${panel(
    'experiments',
    'Newest first',
    null,
    html`${
      items.length === 0
        ? nothing(
            html`No chaos experiment is recorded. Your chaos tool or pipeline records one with
              <code>POST /v1/experiments</code>.`,
          )
        : tableOf(
            'Experiments',
            ['Experiment', 'Scope', 'Result', 'Expected alerts', 'Started', 'Why'],
            items.map((experiment): Cells => [
              html`<a href="${experimentPath(experiment.id)}">${experiment.name}</a>`,
              scopeOf(experiment),
              experimentBadge(experiment),
              String(experiment.expected),
              experiment.started_at === null ? 'not started' : ago(experiment.started_at, at),
              experiment.conclusion?.reasons.join('; ') ?? experiment.reason,
            ]),
          )
    }
    ${older === null ? '' : olderLink(EXPERIMENTS_PATH, { ...(service !== null && { service }), from: older })}`,
  )}
`;
