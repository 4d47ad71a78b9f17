import { incidentNamer } from '../../../../core/actions/incidents/incident-numbers.ts';
import type { Named } from '../../../../core/domain/incidents/incident-number.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { html } from 'hono/html';
import { isReplayable } from '../../../http/webhooks/replay.ts';
import { type AlertReview, REVIEW_DAYS } from '../../../../core/actions/reports/alert-review.ts';
import { ALERT_REVIEW } from '../../../../core/actions/reports/report-kinds.ts';
import { EVERYWHERE } from '../../../../core/domain/access/access.ts';
import { NOISY_TIMES } from '../../../../core/domain/alerts/noisy-alerts.ts';
import { answerText } from '../../../../core/domain/alerts/quarantine.ts';
import { experimentPath, incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { type UnmappedSubject, unmappedSubjects } from '../../../../core/domain/changes/unmapped.ts';
import type { Mute } from '../../../../core/domain/alerts/routing.ts';
import type { Quarantined, SignalView } from '../../../../core/domain/ports/alerts.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../http/context.ts';
import {
  actionForm,
  ago,
  type Cells,
  clockTime,
  type Html,
  incidentLink,
  nothing,
  olderLink,
  panel,
  servicePath,
  severityBadge,
  tableOf,
} from '../../parts.ts';
import { inboxPanels } from '../../features.ts';
import { REPLAY } from './actions.ts';
import { moreNote, ROWS_SHOWN } from './rows.ts';
import { type PageRequest, type ConsoleDeps, type ConsolePage, viewerAsReader } from '../page.ts';

const PATH = '/console/inbox';

const QUARANTINED_SHOWN = 20;
const NAMES_SHOWN = 3;

/** Newest muted alerts that are read to find those that an experiment explains. */
const MUTED_READ = 200;

export type Inbox = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  /** Null: the viewer may not read the quarantine. `waiting`: those not replayed. */
  quarantine: {
    items: readonly Quarantined[];
    waiting: number;
    from: string | null;
    older: string | null;
  } | null;
  review: AlertReview;
  /** Names the incidents of alerts outside the catalogue. */
  named: (id: IncidentId) => Named;
  /** Firing alerts that an experiment explains, with those that one read found. */
  expected: { items: readonly { signal: SignalView; mute: Mute }[]; isComplete: boolean };
  /** Reported deployments that no service has. Null: the viewer may not read them. */
  unmapped: readonly UnmappedSubject[] | null;
  /** What features show. */
  panels: readonly (Html | '')[];
};

export const inboxPage: ConsolePage = {
  path: PATH,
  label: 'Inbox',
  section: 'Admin',
  action: 'incidents:read',
  everySeconds: 60,
  actions: { replay: REPLAY },
  show: async (deps, request) => ({ title: 'Inbox', main: inboxMain(await load(deps, request)) }),
};

async function load(deps: ConsoleDeps, { viewer, query }: PageRequest): Promise<Inbox> {
  const { may, csrfToken } = viewer;
  const at = deps.clock.now();
  const [quarantine, review, expected, unmapped, panels] = await Promise.all([
    may('quarantine:read', EVERYWHERE) ? quarantineOf(deps, query.get('from') || null) : null,
    deps.reports.read(ALERT_REVIEW, null, viewerAsReader(viewer)),
    expectedAlerts(deps, ({ service, environment }) => may('incidents:read', { service, environment })),
    may('deployments:read', EVERYWHERE) ? unmappedDeployments(deps) : null,
    inboxPanels(deps, viewer, at),
  ]);
  const shown = review.value.unmatched.slice(0, ROWS_SHOWN);
  const named = await incidentNamer(
    deps,
    shown.map(({ incident }) => incident),
  );
  return { at, may, csrfToken, quarantine, review: review.value, named, expected, unmapped, panels };
}

async function expectedAlerts(
  { incidents }: Pick<ConsoleDeps, 'incidents'>,
  isVisible: (signal: SignalView) => boolean,
): Promise<Inbox['expected']> {
  const { items, next_cursor: more } = await incidents.alertsWithoutIncident({ limit: MUTED_READ, muted: true });
  return {
    items: items.flatMap(({ signal, mute }) =>
      mute?.by === 'experiment' && isVisible(signal) ? [{ signal, mute }] : [],
    ),
    isComplete: more === null,
  };
}

async function unmappedDeployments({
  config,
  rollouts,
}: Pick<ConsoleDeps, 'config' | 'rollouts'>): Promise<UnmappedSubject[]> {
  const [current, unmapped] = await Promise.all([config.current(), rollouts.unmapped()]);
  return unmappedSubjects(current, unmapped);
}

async function quarantineOf(
  { quarantine }: Pick<ConsoleDeps, 'quarantine'>,
  from: string | null,
): Promise<NonNullable<Inbox['quarantine']>> {
  const [{ items, next_cursor: older }, waiting] = await Promise.all([
    quarantine.list({ limit: QUARANTINED_SHOWN, ...(from !== null && { cursor: from }) }),
    quarantine.count(),
  ]);
  return { items, waiting, from, older };
}

export const inboxMain = (data: Inbox): Html => html`
  <h1 class="page-title">Inbox</h1>
  <div class="stack">
    ${quarantinePanel(data)} ${expectedPanel(data)} ${unmatchedPanel(data)} ${unmappedPanel(data)} ${data.panels}
    ${noisyPanel(data)} ${rulesPanel(data)}
  </div>
`;

function quarantinePanel({ quarantine, at, may, csrfToken }: Inbox): Html {
  if (quarantine === null) return html``;
  const { items, waiting, from, older } = quarantine;
  const mayReplay = may('quarantine:replay', EVERYWHERE);
  return panel(
    'quarantine',
    'Quarantine',
    waiting,
    html`${from === null ? '' : olderLink(PATH, {}, 'Newest inputs')}
    ${
      items.length === 0
        ? nothing('Nothing is in quarantine. Inputs that could not be parsed are kept here for 90 days.')
        : html`<ul class="rows">
            ${items.map((item) => html`<li>${quarantinedRow(item, at, mayReplay ? csrfToken : null)}</li>`)}
          </ul>`
    }
    ${older === null ? '' : olderLink(PATH, { from: older }, 'Older inputs')}`,
  );
}

/** @param csrfToken null: the viewer may not replay it */
function quarantinedRow(item: Quarantined, at: Timestamp, csrfToken: string | null): Html {
  const { id, source, detail, count, bytes, last_seen_at: last, replayed_at: replayed } = item;
  return html`<article aria-labelledby="q-${id}">
    <h3 id="q-${id}">
      <a class="place" href="${PATH}/${id}">${source}</a>
      ${replayed === null ? html`<span class="badge warning">waiting</span>` : html`<span class="badge">replayed</span>`}
    </h3>
    <p class="wrapped">${detail}</p>
    <p class="facts">
      <span>received ${count === 1 ? '' : `${count} times, last `}${ago(last, at)}</span>
      <span>${answerText(item)}</span>
      <span>${sizeText(bytes)}</span>
      ${replayed === null ? '' : html`<span>replayed ${ago(replayed, at)}</span>`}
    </p>
    ${csrfToken === null || !isReplayable(source) ? '' : replayForm(PATH, id, csrfToken)}
  </article>`;
}

/** Sends a quarantined input to the action of a page. */
export const replayForm = (page: string, id: string, csrfToken: string): Html =>
  html`<div class="buttons">
    ${actionForm(
      page,
      'replay',
      csrfToken,
      html`<input type="hidden" name="id" value="${id}" /><button id="replay-${id}">
          Replay<span class="hidden"> ${id}</span>
        </button>`,
    )}
  </div>`;

const timesText = (times: number): string => (times === 1 ? 'once' : `${times} times`);

export const sizeText = (bytes: number): string =>
  bytes < 1024
    ? `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
    : bytes < 1024 ** 2
      ? `${Math.round(bytes / 1024)} KiB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

function unmatchedPanel({ review: { unmatched, isComplete, since }, named, at }: Inbox): Html {
  const rows = unmatched.slice(0, ROWS_SHOWN).map((group): Cells => {
    const { service, environment, names, sources, times, firing, lastAt, incident, fix } = group;
    const shownNames = names.slice(0, NAMES_SHOWN).join(', ');
    return [
      html`${service === '' ? html`<em>no name</em>` : service} <span class="quiet target">${environment}</span>`,
      html`${shownNames}${names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ''}
        <span class="quiet target">${sources.join(', ')}</span>`,
      html`${timesText(times)}${firing === 0 ? '' : html` <span class="badge warning">${firing} firing</span>`}`,
      ago(lastAt, at),
      incident === null ? '' : incidentLink(named(incident)),
      fix,
    ];
  });
  return panel(
    'unmatched',
    'Alerts outside the catalogue',
    unmatched.length,
    html`${
      rows.length === 0
        ? nothing(`Every alert of the last ${REVIEW_DAYS} days has a service and an environment in the catalogue.`)
        : tableOf(
            'Alerts outside the catalogue',
            ['Service', 'Alerts', 'Received', 'Last', 'Incident', 'What to change'],
            rows,
          )
    }
    ${moreNote(unmatched.length)}${incompleteNote(isComplete, since, at)}`,
  );
}

/** Shown only if there are such alerts: most of the time, no experiment runs. */
function expectedPanel({ expected: { items, isComplete }, at }: Inbox): Html {
  if (items.length === 0) return html``;
  const rows = items
    .slice(0, ROWS_SHOWN)
    .map(({ signal, mute }): Cells => [
      signal.title,
      severityBadge(signal.severity),
      html`<a href="${servicePath(signal.service)}">${signal.service}</a>
        <span class="quiet target">${signal.environment}</span>`,
      ago(signal.startsAt, at),
      html`<a href="${experimentPath(mute.name)}">experiment</a>`,
      mute.reason,
    ]);
  return panel(
    'expected',
    'Alerts expected from experiments',
    items.length,
    html`<p class="quiet">They fire, and neither open incidents nor page.</p>
      ${tableOf('Alerts expected from experiments', ['Alert', 'Severity', 'Service', 'Fires since', 'Experiment', 'Why'], rows)}
      ${moreNote(items.length)}
      ${isComplete ? '' : html`<p class="quiet">Only the newest ${MUTED_READ} muted alerts were read.</p>`}`,
  );
}

function unmappedPanel({ unmapped, at }: Inbox): Html {
  if (unmapped === null) return html``;
  const rows = unmapped
    .slice(0, ROWS_SHOWN)
    .map(({ reported_by: by, why, lines, rollouts, last_at: last, url }): Cells => [
      html`${why} <span class="quiet target">${by}</span>`,
      timesText(rollouts),
      url === null || !/^https?:/.test(url) ? ago(last, at) : html`<a href="${url}">${ago(last, at)}</a>`,
      html`<pre>${lines}</pre>`,
    ]);
  return panel(
    'unmapped',
    'Deployments outside the catalogue',
    unmapped.length,
    html`${
      rows.length === 0
        ? nothing('Every deployment that other systems reported in the last 90 days has a service in the catalogue.')
        : html`<p class="quiet">
              Other systems reported them, but no service has them. Add the lines to <code>config/services.yaml</code>:
              then they are recorded within a minute.
            </p>
            ${tableOf('Deployments outside the catalogue', ['Why', 'Reported', 'Last', 'Add to services.yaml'], rows)}`
    }
    ${moreNote(unmapped.length)}`,
  );
}

function noisyPanel({ review: { noisy, isComplete, since }, at }: Inbox): Html {
  const rows = noisy.slice(0, ROWS_SHOWN).map((alert): Cells => {
    const { service, environment, name, times, lastAt, incidents, acknowledged, pages, newest } = alert;
    // A service outside the catalogue has a page only if it has had an incident.
    const serviceCell = newest === null ? service : html`<a href="${servicePath(service)}">${service}</a>`;
    return [
      html`${name} <span class="quiet target">${serviceCell} ${environment}</span>`,
      html`${times} times`,
      newest === null
        ? 'none'
        : html`<a href="${incidentPath(newest)}">${incidents}</a
            >${acknowledged === 0 ? '' : `, ${acknowledged} acknowledged`}`,
      String(pages),
      ago(lastAt, at),
    ];
  });
  return panel(
    'noisy',
    'Noisy alerts',
    noisy.length,
    html`${
      rows.length === 0
        ? nothing(
            `No alert fired ${NOISY_TIMES} times or more in ${REVIEW_DAYS} days without an action and without a runbook.`,
          )
        : html`<p class="quiet">
              Fired ${NOISY_TIMES} times or more in ${REVIEW_DAYS} days. Neither automation nor a person did anything,
              and no runbook says what to do. Correct the rule, route the alert elsewhere, or write a runbook.
            </p>
            ${tableOf('Noisy alerts', ['Alert', 'Fired', 'Incidents', 'Pages', 'Last'], rows)}`
    }
    ${moreNote(noisy.length)}${incompleteNote(isComplete, since, at)}`,
  );
}

function rulesPanel({ review: { rules, isComplete, since }, at }: Inbox): Html {
  const rows = rules
    .slice(0, ROWS_SHOWN)
    .map(({ service, environment, rule, last_at: last, ...counts }): Cells => [
      html`${rule} <span class="quiet target">${service} ${environment}</span>`,
      String(counts.fired),
      String(counts.paged),
      String(counts.acted_on),
      String(counts.resolved_by_itself),
      ago(last, at),
    ]);
  return panel(
    'rules',
    'Alert rules',
    rules.length,
    html`${
      rows.length === 0
        ? nothing(`No alert fired in ${REVIEW_DAYS} days.`)
        : html`<p class="quiet">
              The last ${REVIEW_DAYS} days; those that fired most often without an action come first.
              <code>firebreak report alerts</code> shows all.
            </p>
            ${tableOf('Alert rules', ['Rule', 'Fired', 'Pages', 'Acted upon', 'Ended by itself', 'Last'], rows)}`
    }
    ${incompleteNote(isComplete, since, at)}`,
  );
}

/** Says so if there were too many incidents and alerts to read all of the period. */
const incompleteNote = (isComplete: boolean, since: Timestamp, at: Timestamp): Html =>
  isComplete
    ? html``
    : html`<p class="quiet">Only the newest incidents and alerts since ${clockTime(since, at)} were read.</p>`;
