import { html } from 'hono/html';
import { Refusal } from '../../../core/domain/refusal.ts';
import { sloViews } from '../actions/views.ts';
import { withPorts } from '../ports.ts';
import { BurnWindow } from '../../../schemas/slo/slo-status.ts';
import type { SloPoint, SloView } from '../schemas/slo-view.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { type Cells, type Html, line, nothing, panel, servicePath, tableOf } from '../../../entrances/console/parts.ts';
import { type Mark, plot, SHARE } from '../../../entrances/console/plot.ts';
import type { ConsolePage } from '../../../entrances/console/pages/page.ts';
import { type CorrectionsData, correctionActions, correctionsPanel } from './corrections.ts';
import { budgetOf, dataOf, forecastOf, percent } from './slos.ts';

const DAY_SECONDS = 24 * 3600;

/** Corrections that the page reads, newest first. */
const CORRECTIONS_READ = 100;

/** Longest forecast in the plot of a rolling window. */
const AHEAD_SECONDS = 7 * DAY_SECONDS;

/** The curve has a gap after this time without a point. Points are days; the current day ends at the newest counts. */
const GAP_SECONDS = 1.5 * DAY_SECONDS;

export const sloPage: ConsolePage = {
  path: '/console/slos/:id',
  label: null,
  within: '/console/slos',
  action: 'slos:read',
  everySeconds: 60,
  actions: correctionActions,
  async show(consoleDeps, { viewer: { caller, may, csrfToken }, param }) {
    const deps = withPorts(consoleDeps);
    const config = await deps.config.current();
    const slo = config.slos.find(({ id }) => id === param['id']);
    if (slo === undefined) throw new Refusal(404, 'not-found', 'there is no such objective');
    caller.allow('slos:read', slo);
    const [view] = await sloViews(deps, config, [slo]);
    if (view === undefined) throw new Refusal(404, 'not-found', 'there is no such objective');
    const { items, next_cursor } = await deps.sloCorrections.list(slo.id, { limit: CORRECTIONS_READ });
    const corrections: CorrectionsData = {
      all: items,
      hasMore: next_cursor !== null,
      csrfToken: may('slos:write', slo) ? csrfToken : null,
    };
    return { title: view.name || view.id, main: sloMain(view, corrections, deps.clock.now()) };
  },
};

export const sloMain = (view: SloView, corrections: CorrectionsData, at: Timestamp): Html => html`
  <h1 class="page-title">${view.name || view.id}</h1>
  <div class="columns incident-columns">
    <div class="aside">${factsPanel(view, at)} ${correctionsPanel(view, corrections, at)} ${burnPanel(view)}</div>
    <div class="detail">${burnDownPanel(view, at)}</div>
  </div>
`;

/** Says why there is no forecast. An unknown budget or rate doesn't mean that the budget lasts. */
const noForecast = ({ budget_remaining: budgetLeft, burn_rates }: SloView): Html | string =>
  budgetLeft === null || burn_rates['1h'] == null
    ? html`<span class="quiet">unknown</span>`
    : 'not spent within the window at the rate of the last hour';

function factsPanel(view: SloView, at: Timestamp): Html {
  const { service, environment, objective, window, description, id, coverage, frozen_by } = view;
  const forecast = forecastOf(view, at);
  return panel(
    'budget',
    'Budget',
    null,
    html`${description === '' ? '' : html`<p>${description}</p>`}
      <dl class="lines">
        ${line('Service', html`<a href="${servicePath(service)}">${service}</a> ${environment}`)}
        ${line('Objective', `${percent(objective)} over ${window.text}`)} ${line('Budget left', budgetOf(view))}
        ${line('Forecast', forecast === '' ? noForecast(view) : forecast)}
        ${coverage === null ? '' : line('Known', `${percent(Math.floor(coverage * 1000) / 1000)} of the window`)}
        ${line('Data', dataOf(view, at))}
        ${frozen_by.length === 0 ? '' : line('Freezes', html`<a href="/console/freezes">deploys are frozen</a>`)}
        ${line('ID', html`<code>${id}</code>`)}
      </dl>`,
  );
}

/** Shows the rates, and the pairs of windows that are beyond their limit. */
function burnPanel({ burn_rates: rates, burning, corrected }: SloView): Html {
  const rows = BurnWindow.options.flatMap((window): Cells[] => {
    const rate = rates[window];
    const beyond = burning.filter(({ long, short }) => long === window || short === window);
    return rate === undefined
      ? []
      : [
          [
            window,
            corrected === null
              ? rateText(rate)
              : html`${rateText(rate)}<br /><span class="quiet"
                    >${rateText(corrected.uncorrected.burn_rates[window] ?? null)} without corrections</span
                  >`,
            html`${beyond.map(
              ({ severity, factor }) =>
                html` <span class="badge ${severity === 'page' ? 'critical' : 'warning'}"
                  >${severity}: at least ${Math.round(factor * 10) / 10}×</span
                >`,
            )}`,
          ],
        ];
  });
  return panel(
    'burn',
    'Burn rates',
    null,
    rows.length === 0
      ? nothing('No burn rate is known yet.')
      : html`${tableOf('Burn rates', ['Window', 'Rate', 'Alert'], rows)}
          <p class="quiet">1× spends the budget exactly within the window.</p>`,
  );
}

const rateText = (rate: number | null): Html | string =>
  rate === null ? html`<span class="quiet">unknown</span>` : `${Math.round(rate * 100) / 100}×`;

function burnDownPanel(view: SloView, at: Timestamp): Html {
  const points = view.history.flatMap((point) =>
    point.budget_remaining === null ? [] : [[point.at, point.budget_remaining] as const],
  );
  const [last] = points.slice(-1);
  if (last === undefined)
    return panel('burn-down', 'Burn-down', null, nothing('Too little of the window is known to draw the budget yet.'));
  const { spent_at, freezes_at } = view.forecast;
  const budgetLeft = view.budget_remaining ?? last[1];
  const end = view.window.kind === 'calendar' ? view.window.until : plusSeconds(at, AHEAD_SECONDS);
  const isSpent = spent_at !== null && budgetLeft > 0 && spent_at > at && spent_at <= end;
  const until = view.window.kind === 'calendar' ? end : isSpent ? spent_at : at;
  const marks: Mark[] = [
    { kind: 'now', at, label: 'now' },
    ...(freezes_at != null && freezes_at !== spent_at && freezes_at > at && freezes_at <= until
      ? [{ kind: 'alert', at: freezes_at, label: 'freezes deploys' } as const]
      : []),
    ...(isSpent ? [{ kind: 'forecast', at: spent_at, label: 'spent, at the rate of the last hour' } as const] : []),
  ];
  const [first = last] = points;
  return panel(
    'burn-down',
    'Burn-down',
    null,
    html`${plot({
        id: 'burn-down',
        title: `Error budget left of ${view.name || view.id}`,
        curve: points,
        from: first[0] < until ? first[0] : plusSeconds(until, -DAY_SECONDS),
        until: millisOf(until) > millisOf(first[0]) ? until : plusSeconds(first[0], DAY_SECONDS),
        limit: 0,
        limitName: 'spent at',
        top: 1,
        unit: SHARE,
        format: percent,
        gapSeconds: GAP_SECONDS,
        marks,
        ...(isSpent && {
          forecast: [
            [at, budgetLeft],
            [spent_at, 0],
          ],
        }),
        table: dayTable(view.history),
      })}
      <p class="quiet">
        The budget at the end of each day
        (UTC)${view.window.kind === 'rolling' ? `, over the ${view.window.text} before it` : ', in the current window'}.
        ${unknownBefore(view.history)}
      </p>`,
  );
}

/** Says since when there is data, for example after a fresh start. Daily counts are read from Prometheus for the window. */
function unknownBefore(history: readonly SloPoint[]): string {
  const first = history.findIndex(({ coverage }) => coverage > 0);
  return first <= 0 ? '' : `Prometheus has no data before ${(history[first - 1]?.at ?? '').slice(0, 10)}.`;
}

function dayTable(history: readonly SloPoint[]): Html {
  const isCorrected = history.some(({ excluded, uncorrected_budget_remaining: all }) => excluded > 0 || all !== null);
  return tableOf(
    'Budget by day',
    [
      'Until (UTC)',
      'Budget left',
      ...(isCorrected ? ['Without corrections', 'Excluded'] : []),
      'Errors',
      'Events',
      'Known',
    ],
    history
      .toReversed()
      .map(({ at, budget_remaining: budgetLeft, errors, events, coverage, ...corrected }): Cells => [
        html`<span class="when">${at.slice(0, 10)} ${at.slice(11, 16)}</span>`,
        shareText(budgetLeft),
        ...(isCorrected
          ? [shareText(corrected.uncorrected_budget_remaining), percent(Math.round(corrected.excluded * 1000) / 1000)]
          : []),
        String(Math.round(errors)),
        String(Math.round(events)),
        percent(Math.floor(coverage * 1000) / 1000),
      ]),
  );
}

const shareText = (share: number | null): Html | string =>
  share === null ? html`<span class="quiet">unknown</span>` : percent(share);
