import { branchOfRef } from '../pipeline-run.ts';
import { html } from 'hono/html';
import { matchingName } from '../../../core/domain/catalogue/known-names.ts';
import { pipelineFigures } from '../actions/pipeline-figures.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import type { PipelineReport } from '../report.ts';
import { withPorts } from '../ports.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import {
  addressWith,
  ago,
  type Cells,
  filterLinks,
  type Html,
  nothing,
  olderLink,
  panel,
  servicePath,
  tableOf,
  selectField,
} from '../../../entrances/console/parts.ts';
import type { PageRequest, ConsoleDeps, ConsolePage } from '../../../entrances/console/pages/page.ts';
import { counted, duration, share } from '../../../core/domain/reports/words.ts';

export const PIPELINES_PATH = '/console/delivery/pipelines';

const WINDOWS = [7, 14, 28, 90] as const;
const DEFAULT_DAYS = 14;
const DAY_SECONDS = 24 * 3600;

/** Services on one page. For each, all its runs of the window are read. */
const SERVICES_SHOWN = 25;

/** Services that are read at the same time. */
const READ_AT_ONCE = 5;

/** Targets, as in `examples/slos/pipelines.yaml`. */
const SUCCESS_MIN = 0.95;
const DURATION_MAX_SECONDS = 600;
const QUEUE_MAX_SECONDS = 300;

/** What the address selects. `service` and `branch`: null stands for all. `from`: number of the first service, from 0. */
type Selection = { days: number; service: ServiceName | null; branch: string | null; from: number };

export type PipelinesData = {
  at: Timestamp;
  selection: Selection;
  /** Of all services of this page, or of the selected one. */
  reports: readonly PipelineReport[];
  /** Values to select from. */
  services: readonly string[];
  branches: readonly string[];
  /** Number of the first service of the next page. Null: it is the last one. */
  next: number | null;
};

export const pipelinesPage: ConsolePage = {
  path: PIPELINES_PATH,
  label: 'Pipelines',
  section: 'Deploys',
  action: 'pipelines:read',
  everySeconds: 60,
  async show(deps, request) {
    const known = { days: WINDOWS.map(String) };
    return { title: 'Pipelines', main: pipelinesMain(await loadPipelines(deps, request)), known };
  },
};

/** @throws Refusal 404 if the catalogue has no such service, or the viewer may not see it */
export async function loadPipelines(core: ConsoleDeps, { viewer, query }: PageRequest): Promise<PipelinesData> {
  const deps = withPorts(core);
  const { services } = await deps.config.current();
  const visibleServices = Object.keys(services)
    .map((name) => ServiceName.parse(name))
    .filter((service) => viewer.may('pipelines:read', { service }))
    .toSorted();
  const selection = selectionOf(query, visibleServices);
  const { days, service, branch, from } = selection;
  const shown = service === null ? visibleServices.slice(from, from + SERVICES_SHOWN) : [service];
  const figures: Awaited<ReturnType<typeof pipelineFigures>>[] = [];
  for (let first = 0; first < shown.length; first += READ_AT_ONCE)
    figures.push(
      ...(await Promise.all(
        shown
          .slice(first, first + READ_AT_ONCE)
          .map((name) => pipelineFigures(deps, { service: name, seconds: days * DAY_SECONDS, branch })),
      )),
    );
  return {
    at: deps.clock.now(),
    selection,
    reports: figures.map(({ report }) => report),
    services: visibleServices,
    branches: [
      ...new Set([...figures.flatMap(({ branches }) => branches), ...(branch === null ? [] : [branch])]),
    ].toSorted(),
    next: service === null && visibleServices.length > from + SERVICES_SHOWN ? from + SERVICES_SHOWN : null,
  };
}

function selectionOf(query: URLSearchParams, visibleServices: readonly ServiceName[]): Selection {
  const days = Number(query.get('days'));
  const name = query.get('service') || null;
  const found = name === null ? undefined : matchingName(name, visibleServices);
  const service = visibleServices.find((visible) => visible === found) ?? null;
  if (name !== null && service === null)
    throw new Refusal(404, 'not-found', `the catalogue has no service ${name} that you may see`);
  return {
    days: WINDOWS.find((length) => length === days) ?? DEFAULT_DAYS,
    service,
    branch: branchOfRef(query.get('branch')?.slice(0, 256) ?? '') || null,
    from: Math.max(0, Math.trunc(Number(query.get('from') ?? 0)) || 0),
  };
}

export const pipelinesMain = (data: PipelinesData): Html => {
  const { selection, reports } = data;
  const [report] = reports;
  return html`
    <h1 class="page-title">Pipelines</h1>
    ${windowLinks(data)} ${scopeForm(data)}
    <p class="more"><a href="/console/delivery">Delivery figures</a></p>
    ${
      selection.service === null || report === undefined
        ? panel('services', `Last ${selection.days} days`, null, servicesTable(data))
        : servicePanels(data, report)
    }
  `;
};

/** Returns the query of the page with another selection. */
function queryOf({ days, service, branch }: Selection, other: Partial<Selection> = {}): Record<string, string> {
  const selected = { days, service, branch, ...other };
  const chosen = Object.entries(selected).filter(([, value]) => value !== null);
  return Object.fromEntries(chosen.map(([key, value]) => [key, String(value)]));
}

const windowLinks = ({ selection }: PipelinesData): Html =>
  filterLinks(
    'Window',
    WINDOWS.map((days) => ({
      text: `${days} days`,
      href: addressWith(PIPELINES_PATH, queryOf(selection, { days })),
      isCurrent: days === selection.days,
    })),
  );

const scopeForm = ({ selection, services, branches }: PipelinesData): Html =>
  html`<form class="search" method="get" action="${PIPELINES_PATH}" role="search">
    <input type="hidden" name="days" value="${selection.days}" />
    ${selectField('service', 'All services', services, selection.service ?? undefined)}
    ${selectField('branch', 'All branches', branches, selection.branch ?? undefined)}
    <button>Show</button>
  </form>`;

function servicesTable({ selection, reports, next }: PipelinesData): Html {
  const measured = reports.filter(({ runs, flaky_total: flaky }) => runs.total + flaky > 0);
  const more = next === null ? '' : olderLink(PIPELINES_PATH, { ...queryOf(selection), from: String(next) }, 'More');
  if (measured.length === 0) return html`${noRuns()}${more}`;
  return html`${tableOf(
      'Pipelines by service',
      ['Service', 'Runs', 'Success', 'Duration', 'Queue', 'Flaky tests'],
      measured.map((report): Cells => {
        const { service, runs, success_ratio: ratio, duration: took, queue, flaky_total: flaky } = report;
        return [
          html`<a href="${addressWith(PIPELINES_PATH, queryOf(selection, { service }))}">${service}</a>`,
          String(runs.total),
          marked(share(ratio), ratio === null || ratio > SUCCESS_MIN),
          marked(duration(took.mean_s), took.mean_s === null || took.mean_s < DURATION_MAX_SECONDS),
          marked(duration(queue.mean_s), queue.mean_s === null || queue.mean_s < QUEUE_MAX_SECONDS),
          String(flaky),
        ];
      }),
    )}
    <p class="quiet">
      Duration and queue are means. ▲ misses a target: success above 95 %, duration below 10 min, queue below 5 min.
    </p>
    ${more}`;
}

const noRuns = (): Html =>
  nothing(
    html`No run of this selection is recorded in this window. GitHub and GitLab report runs by webhook; others send them
      to <code>POST /v1/pipelines/runs</code> or as OTLP traces.`,
  );

/** Marks a value that misses its target, also with a shape, so that color is not the only sign. */
const marked = (value: string, isMet: boolean): Html | string =>
  isMet ? value : html`${value} <span class="badge warning">▲ target missed</span>`;

const servicePanels = (data: PipelinesData, report: PipelineReport): Html =>
  html`<div class="detail">
    ${panel('figures', `${report.service}, last ${data.selection.days} days`, null, figuresTable(report))}
    ${panel('stages', 'Slowest stages', report.stages.length, stagesTable(report))}
    ${panel('flaky', 'Flaky tests', report.flaky_total, flakyTable(data.at, report))}
  </div>`;

function figuresTable({ service, runs, success_ratio: ratio, duration: took, queue }: PipelineReport): Html {
  if (runs.total === 0) return noRuns();
  const times = ({ count, median_s, p95_s }: PipelineReport['queue'], noun: string): string =>
    count === 0
      ? `no ${noun}`
      : `median ${duration(median_s)}; 95 % within ${duration(p95_s)}; ${counted(count, noun)}`;
  return html`${tableOf(
      'Figures',
      ['Figure', 'Value', 'Target', 'Records'],
      [
        [
          'Success',
          marked(share(ratio), ratio === null || ratio > SUCCESS_MIN),
          'above 95 %',
          `${runs.succeeded} succeeded, ${runs.failed} failed, ${runs.cancelled} cancelled, ${runs.skipped} skipped, ${runs.unfinished} not finished`,
        ],
        [
          'Duration, mean',
          marked(duration(took.mean_s), took.mean_s === null || took.mean_s < DURATION_MAX_SECONDS),
          'below 10 min',
          times(took, 'run'),
        ],
        [
          'Queue, mean',
          marked(duration(queue.mean_s), queue.mean_s === null || queue.mean_s < QUEUE_MAX_SECONDS),
          'below 5 min',
          times(queue, 'wait'),
        ],
      ],
    )}
    <p class="more"><a href="${servicePath(service)}">${service} in the catalogue</a></p>`;
}

const stagesTable = ({ stages }: PipelineReport): Html =>
  stages.length === 0
    ? nothing('No stage of these runs has ended.')
    : tableOf(
        'Slowest stages',
        ['Stage', '95 % within', 'Median', 'Mean', 'Runs', 'Failed'],
        stages.map((stage): Cells => [
          stage.stage,
          html`<strong>${duration(stage.p95_s)}</strong>`,
          duration(stage.median_s),
          duration(stage.mean_s),
          String(stage.count),
          String(stage.failed),
        ]),
      );

function flakyTable(at: Timestamp, { flaky_tests: tests, flaky_total: total }: PipelineReport): Html {
  if (tests.length === 0)
    return nothing(
      html`No test passed and failed in the same commit. <code>firebreak pipeline tests</code> uploads JUnit XML.`,
    );
  return html`${tableOf(
      'Flaky tests',
      ['Test', 'Suite', 'Commits', 'Last found'],
      tests.map(({ name, classname, suite, commits, last_at }): Cells => [
        html`${name} <span class="quiet">${classname}</span>`,
        suite,
        String(commits),
        ago(last_at, at),
      ]),
    )}
    <p class="quiet">Of all branches; ${counted(total, 'finding')}.</p>`;
}
