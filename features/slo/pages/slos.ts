import { html } from 'hono/html';
import { SLO_LIST, type SloList } from '../reports.ts';
import type { SloView } from '../schemas/slo-view.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import {
  ago,
  ahead,
  type Cells,
  type Html,
  nothing,
  olderLink,
  panel,
  searchForm,
  servicePath,
  shareBar,
  tableOf,
} from '../../../entrances/console/parts.ts';
import { type ConsolePage, viewerAsReader } from '../../../entrances/console/pages/page.ts';

const PATH = '/console/slos';

/** Returns the address of the page of an objective. */
export const sloPath = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;
const TEXT_MAX_CHARS = 200;

export type Slos = SloList & { at: Timestamp; text: string };

export const slosPage: ConsolePage = {
  path: PATH,
  label: 'SLOs',
  section: 'Reliability',
  action: 'slos:read',
  everySeconds: 15,
  async show(deps, { viewer, query }) {
    const text = (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
    const first = Math.max(0, Math.trunc(Number(query.get('from') ?? 0)) || 0);
    const { value } = await deps.reports.read(SLO_LIST, { text, first }, viewerAsReader(viewer));
    const main = slosMain({ at: deps.clock.now(), text, ...value });
    return { title: 'SLOs', main };
  },
};

export const slosMain = (data: Slos): Html => html`
  <h1 class="page-title">SLOs</h1>
  ${searchForm(PATH, { name: 'text', value: data.text, label: 'Service, environment, or objective' })}
  ${panel('slos', 'Objectives, least budget first', data.matching, slosTable(data))}
`;

function slosTable({ at, text, items, next, isEmpty }: Slos): Html {
  if (isEmpty)
    return nothing(
      html`No objective is configured. Describe one in <code>config/slos/</code>, or import those of Sloth with
        <code>firebreak slo import</code>: then its budget is shown here.`,
    );
  if (items.length === 0) return nothing(html`No objective matches “${text}”. <a href="${PATH}">Show all</a>`);
  const columns = ['Objective', 'Service', 'Budget left', 'Burn rates', 'Forecast', 'Data'];
  return html`${tableOf(
    'Objectives',
    columns,
    items.map((slo) => cellsOf(slo, at)),
  )}
  ${next === null ? '' : olderLink(PATH, { ...(text !== '' && { text }), from: String(next) }, 'More objectives')}`;
}

const cellsOf = (slo: SloView, at: Timestamp): Cells => [
  html`<a href="${sloPath(slo.id)}">${slo.name || slo.id}</a>
    <span class="quiet target">${percent(slo.objective)} over ${slo.window.text}</span>`,
  html`<a href="${servicePath(slo.service)}">${slo.service}</a> ${slo.environment}`,
  budgetOf(slo),
  burnOf(slo),
  forecastOf(slo, at),
  dataOf(slo, at),
];

export const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`;

/** Says what is certain of a budget of which too little of the window is known. */
export function unknownBudget(spentAtLeast: number | null): string {
  const percents = Math.floor((spentAtLeast ?? 0) * 100 + 1e-9);
  return percents <= 0 ? 'budget unknown' : `at least ${percents} % of the budget spent`;
}

const grouped = (count: number): string => Math.round(count).toLocaleString('en-US');

export function budgetOf({ budget_remaining: left, spent_at_least, events, errors, corrected }: SloView): Html {
  if (left === null)
    return html`<span class="quiet">${unknownBudget(spent_at_least)}</span> ${withoutCorrections({ corrected })}`;
  return html`${
    left < 0 ? html`<span class="lacking">overspent by ${percent(-left)}</span>` : shareBar(left, 'budget left')
  }
  ${events === null || errors === null ? '' : html`<span class="quiet target">${grouped(errors)} errors of ${grouped(events)}</span>`}
  ${withoutCorrections({ corrected })}`;
}

/** Shows the budget that counts everything, if corrections apply. */
export function withoutCorrections({ corrected }: Pick<SloView, 'corrected'>): Html | '' {
  if (corrected === null) return '';
  const { remaining } = corrected.uncorrected.budget;
  const count = corrected.count === 1 ? '1 correction' : `${corrected.count} corrections`;
  return html`<span class="quiet target"
    >${remaining === null ? 'unknown' : percent(remaining)} without ${count}</span
  >`;
}

/** Shows the rate at which the budget is spent: 1 spends it exactly over the window. */
function burnOf({ burn_rates: rates, burning }: SloView): Html {
  const rateTexts = Object.entries(rates).flatMap(([window, rate]) =>
    rate === null ? [] : [`${window} ${Math.round(rate * 10) / 10}×`],
  );
  return html`${rateTexts.length === 0 ? html`<span class="quiet">unknown</span>` : rateTexts.join(' · ')}
  ${burning.map(
    ({ severity, long, factor }) =>
      html` <span class="badge ${severity === 'page' ? 'critical' : 'warning'}"
        >${severity}: at least ${Math.round(factor * 10) / 10}× over ${long}</span
      >`,
  )}`;
}

export function forecastOf({ forecast, budget_remaining: left }: SloView, at: Timestamp): Html | '' {
  const { spent_at, freezes_at, lifts_at } = forecast;
  const lines = [
    spent_at === null || (left !== null && left <= 0)
      ? ''
      : html`<p>spent ${ahead(spent_at, at)}, at the rate of the last hour</p>`,
    freezes_at == null || freezes_at === spent_at ? '' : html`<p>freezes deploys ${ahead(freezes_at, at)}</p>`,
    // A budget that has enough left can still be burning, so that another freeze applies.
    lifts_at === null || lifts_at <= at ? '' : html`<p>budget allows deploys again ${ahead(lifts_at, at)}</p>`,
  ].filter(Boolean);
  return lines.length === 0 ? '' : html`${lines}`;
}

export const dataOf = ({ state, problem, stale, data_at }: SloView, at: Timestamp): Html =>
  html`${data_at === null ? html`<span class="lacking">none yet</span>` : ago(data_at, at)}
  ${stale && data_at !== null ? html`<span class="badge warning">too old</span>` : ''}
  ${problem === null ? '' : html`<p class="lacking">${problem}</p>`}
  ${problem === null && state === 'no_traffic' ? html`<span class="quiet">no traffic</span>` : ''}`;
