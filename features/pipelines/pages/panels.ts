import { html } from 'hono/html';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import { counted, duration, share } from '../../../core/domain/reports/words.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import { moreNote, ROWS_SHOWN } from '../../../entrances/console/pages/inbox/rows.ts';
import type { ConsoleDeps, DeliverySelection } from '../../../entrances/console/pages/page.ts';
import { ago, type Cells, type Html, nothing, panel, tableOf } from '../../../entrances/console/parts.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { codeFiguresOf } from '../actions/code-figures.ts';
import type { CodeFigures } from '../code-figures.ts';
import { type UnmappedPipeline, unmappedPipelines } from '../decisions/unmapped-pipelines.ts';
import { withPorts } from '../ports.ts';

const DAY_SECONDS = 24 * 3600;

/** Limits of the figures of code: pushes are read one by one, so a long window or many services would take seconds. */
const CODE_DAYS_MAX = 90;
const CODE_SERVICES_MAX = 20;

/** Shows pipelines that no service has, in the inbox. */
export async function inboxPanel(core: ConsoleDeps, { may }: Viewer, at: Timestamp): Promise<Html | ''> {
  if (!may('pipelines:read', EVERYWHERE)) return '';
  const { config, pipelineRuns } = withPorts(core);
  const [{ services }, runs] = await Promise.all([config.current(), pipelineRuns.unmapped()]);
  return unmappedPanel(unmappedPipelines(services, runs), at);
}

/** Shown only if there are such pipelines: not every team reports its runs. */
export function unmappedPanel(pipelines: readonly UnmappedPipeline[], at: Timestamp): Html | '' {
  if (pipelines.length === 0) return '';
  const rows = pipelines
    .slice(0, ROWS_SHOWN)
    .map(({ pipeline, why, lines, at: last, url }): Cells => [
      html`${pipeline ?? 'no name'} <span class="quiet">${why}</span>`,
      url === null || !/^https?:/.test(url) ? ago(last, at) : html`<a href="${url}">${ago(last, at)}</a>`,
      html`<pre>${lines}</pre>`,
    ]);
  return panel(
    'unmapped-pipelines',
    'Pipelines outside the catalogue',
    pipelines.length,
    html`<p class="quiet">
        Their runs count in no figure of a service. Add the lines to <code>config/services.yaml</code>: then the next
        runs count.
      </p>
      ${tableOf('Pipelines outside the catalogue', ['Pipeline', 'Last', 'Add to services.yaml'], rows)}
      ${moreNote(pipelines.length)}`,
  );
}

/** Shows what the people who work on the services do in their repositories. */
export async function codePanel(core: ConsoleDeps, viewer: Viewer, selection: DeliverySelection): Promise<Html | ''> {
  const code = await codeOf(core, viewer, selection);
  return code === undefined ? '' : panelOf(code, selection.days);
}

/** Reads the figures of the code. Null: the selection is too large for it. Undefined: the viewer may not see it. */
async function codeOf(
  deps: ConsoleDeps,
  { may }: Pick<Viewer, 'may'>,
  { days, service: selectedService, team: selectedTeam }: DeliverySelection,
): Promise<CodeFigures | null | undefined> {
  const { services } = await deps.config.current();
  const names = Object.entries(services)
    .filter(([service, { team }]) => (selectedService ?? service) === service && (selectedTeam ?? team) === team)
    .map(([service]) => ServiceName.parse(service))
    .filter((service) => may('pipelines:read', { service }));
  if (names.length === 0) return undefined;
  if (days > CODE_DAYS_MAX || names.length > CODE_SERVICES_MAX) return null;
  return codeFiguresOf(withPorts(deps), names.toSorted(), days * DAY_SECONDS);
}

/** @param code null: the selection is too large */
function panelOf(code: CodeFigures | null, days: number): Html {
  if (code === null)
    return panel(
      'code',
      'Code',
      null,
      nothing(
        html`Select a service or a team, and at most 90 days, or run
          <code>firebreak report code --window ${days}d</code>.`,
      ),
    );
  const { commits, pull_requests: pulls, first_review: review, merge, coverage } = code;
  const times = ({ count, p90_s }: typeof merge): string =>
    count === 0 ? '' : `median of ${counted(count, 'pull request')}; 90 % within ${duration(p90_s)}`;
  const rows: Cells[] = [
    ['Commits', html`<strong>${commits}</strong>`, html`<span class="quiet">on the default branch</span>`],
    [
      'Pull requests',
      html`<strong>${pulls.merged}</strong>`,
      html`<span class="quiet">merged; ${pulls.opened} opened, ${pulls.closed} closed without a merge</span>`,
    ],
    [
      'First review',
      html`<strong>${duration(review.median_s)}</strong>`,
      html`<span class="quiet">${times(review)}</span>`,
    ],
    ['Merge', html`<strong>${duration(merge.median_s)}</strong>`, html`<span class="quiet">${times(merge)}</span>`],
    ...coverage.map(({ service, value }): Cells => [
      html`Coverage of ${service}`,
      html`<strong>${share(value)}</strong>`,
      html`<span class="quiet">in its newest report</span>`,
    ]),
  ];
  return panel('code', 'Code', null, tableOf('Code', ['Figure', 'Value', 'Of'], rows));
}
