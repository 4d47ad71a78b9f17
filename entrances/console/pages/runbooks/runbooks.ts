import { html } from 'hono/html';
import { viewRun } from '../../../../core/actions/runbooks/start-run.ts';
import { visibleRunbook } from '../../../../core/actions/runbooks/visible.ts';
import { planOf } from '../../../../core/domain/runbooks/plan.ts';
import { byPriority } from '../../../../core/domain/runbooks/select.ts';
import { runId, type RunView } from '../../../../schemas/runbooks/parts/runs.ts';
import type { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { type Cells, type Html, nothing, olderLink, panel, searchForm, tableOf } from '../../parts.ts';
import type { PageRequest, ConsoleDeps, ConsolePage } from '../page.ts';
import { runbookPath, RUNBOOKS_PATH, runsTable } from './parts.ts';

const RUNS_SHOWN = 15;
const TEXT_MAX_CHARS = 200;

export type Runbooks = {
  at: Timestamp;
  /** Part of the name, the title, or a service. */
  text: string;
  /** Those that match, in the order in which alerts are matched to them. `all`: how many the viewer may see. */
  runbooks: readonly Runbook[];
  all: number;
  /** Newest first. */
  runs: { items: readonly RunView[]; from: string | null; older: string | null };
};

export const runbooksPage: ConsolePage = {
  path: RUNBOOKS_PATH,
  label: 'Runbooks',
  section: 'Reliability',
  action: 'incidents:read',
  everySeconds: 10,
  show: async (deps, request) => ({ title: 'Runbooks', main: runbooksMain(await load(deps, request)) }),
};

async function load(deps: ConsoleDeps, { viewer: { may }, query }: PageRequest): Promise<Runbooks> {
  const text = (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
  const from = query.get('from') || null;
  const [config, page] = await Promise.all([
    deps.config.current(),
    deps.runbooks.list({ limit: RUNS_SHOWN, ...(from !== null && { cursor: from }) }),
  ]);
  const visible = byPriority(config.runbooks.runbooks).flatMap(
    (runbook) => visibleRunbook((scope) => may('incidents:read', scope), runbook) ?? [],
  );
  const runs = await Promise.all(page.items.map(({ incident, number }) => viewRun(deps, runId(incident, number))));
  return {
    at: deps.clock.now(),
    text,
    runbooks: visible.filter((runbook) => matches(runbook, text.toLowerCase())),
    all: visible.length,
    runs: {
      items: runs.filter(({ service, environment }) => may('incidents:read', { service, environment })),
      from,
      older: page.next_cursor,
    },
  };
}

const matches = ({ name, title, services = [] }: Runbook, text: string): boolean =>
  [name, title, ...services].join('\n').toLowerCase().includes(text);

export const runbooksMain = (data: Runbooks): Html => html`
  <h1 class="page-title">Runbooks</h1>
  ${searchForm(RUNBOOKS_PATH, { name: 'text', value: data.text, label: 'Name, title, or service' })}
  <div class="stack">${listPanel(data)} ${runsPanel(data)}</div>
`;

function listPanel({ runbooks: matching, all, text }: Runbooks): Html {
  const rows = matching.map((runbook): Cells => {
    const { name, title, mode, services, environments } = runbook;
    const { steps } = planOf(runbook);
    const changing = steps.filter(({ mutating }) => mutating).length;
    return [
      html`<a href="${runbookPath(name)}">${title}</a> <span class="quiet target">${name}</span>`,
      html`${services?.join(', ') ?? 'all services'}
        <span class="quiet target">${environments?.join(', ') ?? 'all environments'}</span>`,
      steps.length === 0 ? 'text only' : String(steps.length),
      changing === 0 ? 'nothing' : `${changing} ${changing === 1 ? 'step' : 'steps'}`,
      mode ?? '',
    ];
  });
  return panel(
    'runbooks',
    'Runbooks',
    matching.length,
    rows.length > 0
      ? tableOf('Runbooks', ['Runbook', 'For', 'Steps', 'Changes production', 'Mode at most'], rows)
      : all === 0
        ? nothing('There is no runbook that you may see. Runbooks are Markdown files in runbooks/.')
        : nothing(html`No runbook contains “${text}”. <a href="${RUNBOOKS_PATH}">Show all</a>`),
  );
}

const runsPanel = ({ runs: { items, from, older }, at }: Runbooks): Html =>
  panel(
    'runs',
    'Runs',
    null,
    html`${from === null ? '' : olderLink(RUNBOOKS_PATH, {}, 'Newest runs')}
    ${
      items.length > 0
        ? runsTable(items, at)
        : nothing(
            older === null
              ? 'No runbook has run yet. Alerts that match one start it, and people can start one by hand.'
              : 'You may see no run in this part of the list.',
          )
    }
    ${older === null ? '' : olderLink(RUNBOOKS_PATH, { from: older }, 'Older runs')}`,
  );
