import { withPorts } from '../ports.ts';
import { html } from 'hono/html';
import * as z from 'zod';
import { requestIssue } from '../actions/issues/request.ts';
import { actionItemViews } from '../actions/issues/view.ts';
import { changeItem } from '../actions/change-item.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { incidentNamer } from '../../../core/actions/incidents/incident-numbers.ts';
import type { Named } from '../../../core/domain/incidents/incident-number.ts';
import { experimentPath, postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { configFor } from '../decisions/issues.ts';
import { matchesStatus } from '../decisions/action-items.ts';
import { ActionItemId, ActionItemStatus, type ActionItemView } from '../../../schemas/action-items/action-item.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import {
  actionForm,
  addressWith,
  type Cells,
  filterLinks,
  type Html,
  incidentLink,
  nothing,
  olderLink,
  outsideLink,
  panel,
  searchForm,
  servicePath,
  tableOf,
} from '../../../entrances/console/parts.ts';
import { field, type ConsolePage, type PageAction } from '../../../entrances/console/pages/page.ts';

const PATH = '/console/action-items';
const ITEMS_SHOWN = 50;
const TEXT_MAX_CHARS = 200;

export type ActionItemsData = Pick<Viewer, 'csrfToken'> & {
  items: readonly (ActionItemView & { incident: Named | null; mayChange: boolean; hasTracker: boolean })[];
  status: ActionItemStatus | 'all';
  /** Part of the title, the owner, or the service. */
  text: string;
  older: string | null;
};

/** Returns the action that changes the status of an item. @param inverse the action that undoes it */
const setStatus = (status: 'open' | 'done', done: string, inverse: 'done' | 'reopen'): PageAction => ({
  permission: 'incidents:write',
  done,
  undoneBy: { [inverse]: ['id'] },
  run: async (deps, { caller, form }) => {
    const { id } = await changeItem(withPorts(deps), caller, field(form, 'id', ActionItemId), { status }).catch(
      goneAsConflict,
    );
    return { undo: { action: inverse, fields: { id } } };
  },
});

/** Turns the status 404 into 409, because the page exists; only the item is gone. */
const goneAsConflict = (error: unknown): never => {
  throw error instanceof Refusal && error.status === 404 ? new Refusal(409, error.code, error.detail) : error;
};

const createIssue: PageAction = {
  permission: 'incidents:write',
  done: 'The issue is created within a minute.',
  run: async (deps, { caller, form }) =>
    void (await requestIssue(withPorts(deps), caller, field(form, 'id', ActionItemId)).catch(goneAsConflict)),
};

const STATUSES = z.enum([...ActionItemStatus.options, 'all']);

/** The action items of all post-mortems and experiments. */
export const actionItemsPage: ConsolePage = {
  path: PATH,
  label: 'Action items',
  section: 'Review',
  action: 'incidents:read',
  everySeconds: 30,
  actions: {
    done: setStatus('done', 'Done.', 'reopen'),
    reopen: setStatus('open', 'Open again.', 'done'),
    issue: createIssue,
  },
  async show(core, { viewer, query }) {
    const deps = withPorts(core);
    const status = STATUSES.catch('open').parse(query.get('status') ?? 'open');
    const text = (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
    const from = query.get('from') || undefined;
    const now = deps.clock.now();
    const page = await deps.postmortems.actionItems({
      limit: ITEMS_SHOWN,
      ...(from !== undefined && { cursor: from }),
      keep: (item) =>
        viewer.may('incidents:read', { service: item.service, environment: item.environment }) &&
        (status === 'all' || matchesStatus(item, status, now)) &&
        `${item.title} ${item.owner ?? ''} ${item.service}`.toLowerCase().includes(text.toLowerCase()),
    });
    const { services, postmortems } = await deps.config.current();
    const named = await incidentNamer(
      deps,
      page.items.map(({ incident_id: id }) => id),
    );
    const items = (await actionItemViews(deps, page.items)).map((item) => ({
      ...item,
      incident: item.incident_id === null ? null : named(item.incident_id),
      // Only items of post-mortems get issues, not those of experiments.
      hasTracker:
        item.incident_id !== null &&
        configFor(postmortems.trackers, {
          service: item.service,
          team: serviceEntry(services, item.service)?.team,
        }) !== undefined,
      mayChange: viewer.may('incidents:write', { service: item.service, environment: item.environment }),
    }));
    const data = { csrfToken: viewer.csrfToken, items, status, text, older: page.next_cursor };
    return { title: 'Action items', main: actionItemsMain(data), known: { status: STATUSES.options } };
  },
};

const FILTERS = { open: 'Open', overdue: 'Overdue', done: 'Done', all: 'All' } as const;

export const actionItemsMain = (data: ActionItemsData): Html => html`
  <h1 class="page-title">Action items</h1>
  ${filterLinks(
    'State of the items',
    (Object.keys(FILTERS) as (keyof typeof FILTERS)[]).map((status) => ({
      text: FILTERS[status],
      href: addressWith(PATH, queryOf({ ...data, status })),
      isCurrent: status === data.status,
    })),
  )}
  ${searchForm(PATH, { name: 'text', value: data.text, label: 'Title, owner, or service' }, queryOf({ ...data, text: '' }))}
  ${itemsPanel(data)}
`;

/** Returns the query of the page for a selection. */
const queryOf = ({ status, text }: Pick<ActionItemsData, 'status' | 'text'>): Record<string, string> => ({
  ...(status !== 'open' && { status }),
  ...(text !== '' && { text }),
});

function itemsPanel(data: ActionItemsData): Html {
  const { items, older, status, text, csrfToken } = data;
  const rows = items.map((item): Cells => [
    html`${item.title} ${originLinks(item)}`,
    statusCell(item.status),
    item.owner ?? html`<span class="lacking">no owner</span>`,
    item.due ?? html`<span class="lacking">no date</span>`,
    item.priority ?? '',
    html`<a href="${servicePath(item.service)}">${item.service}</a>`,
    issueCell(item, csrfToken),
    item.mayChange ? changeForm(item, csrfToken) : '',
  ]);
  return panel(
    'items',
    'Items',
    null,
    html`${
      rows.length === 0
        ? nothing(
            older !== null
              ? 'No item matches in this part of the list.'
              : status === 'open' && text === ''
                ? 'No action item is open. The items of post-mortems and of failed experiments appear here.'
                : html`No item matches. <a href="${PATH}">Show all open items</a>`,
          )
        : tableOf('Action items', ['Item', 'State', 'Owner', 'Due', 'Priority', 'Service', 'Issue', 'Change'], rows)
    }
    ${older === null ? '' : olderLink(PATH, { ...queryOf(data), from: older }, 'Older items')}`,
  );
}

const originLinks = ({ incident, experiment_id: experiment }: ActionItemsData['items'][number]): Html =>
  incident === null
    ? html`${experiment === null ? '' : html`<span class="quiet target"><a href="${experimentPath(experiment)}">Experiment</a></span>`}`
    : html`<span class="quiet target"
        ><a href="${postmortemPath(incident)}">Post-mortem</a> · ${incidentLink(incident)}</span
      >`;

const statusCell = (status: ActionItemStatus): Html =>
  html`<span class="badge ${status === 'overdue' ? 'critical' : ''}">${status}</span>`;

/** The issue, or the button that creates it. A problem is shown below, and the button tries again. */
function issueCell(
  { id, title, issue, status, mayChange, hasTracker }: ActionItemsData['items'][number],
  csrfToken: string,
) {
  const name = issue?.url == null ? '' : outsideLink(issue.url, issue.key ?? issue.url);
  const problem = issue?.problem == null ? '' : html`<span class="lacking">${issue.problem}</span>`;
  const isMissing = issue === null || (issue.url === null && issue.problem !== null);
  if (!isMissing && issue.url === null) return html`<span class="quiet">being created</span>`;
  if (!isMissing || !mayChange || !hasTracker || status === 'done') return html`${name} ${problem}`;
  return html`${problem}
  ${actionForm(
    PATH,
    'issue',
    csrfToken,
    html`<input type="hidden" name="id" value="${id}" />
      <button id="issue-${id}">Create issue<span class="hidden">: ${title}</span></button>`,
  )}`;
}

const changeForm = ({ id, title, status }: ActionItemView, csrfToken: string): Html =>
  actionForm(
    PATH,
    status === 'done' ? 'reopen' : 'done',
    csrfToken,
    html`<input type="hidden" name="id" value="${id}" />
      <button id="change-${id}">
        ${status === 'done' ? 'Reopen' : 'Done'}<span class="hidden">: ${title}</span>
      </button>`,
  );
