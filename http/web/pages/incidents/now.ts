import { html } from 'hono/html';
import { experimentPath, incidentPath } from '../../../../domain/incidents/console-link.ts';
import { currentSlos } from '../../../../actions/slo/views.ts';
import { stateAt } from '../../../../domain/freeze/state.ts';
import { withoutChildren } from '../../../../domain/incidents/children.ts';
import { answerable, subjectOf } from '../../../../domain/messages/incident-buttons.ts';
import { statusWords, suspectsToShow } from '../../../../domain/messages/incident-card.ts';
import { serviceEnvironmentText } from '../../../../domain/messages/story.ts';
import { automationOf } from '../../../../domain/paging/page-details.ts';
import type { Deps } from '../../../../domain/ports/deps.ts';
import type { Automation } from '../../../../schemas/access/access.ts';
import type { Canary } from '../../../../schemas/canary/canary.ts';
import type { Experiment } from '../../../../schemas/experiments/experiment.ts';
import type { Watch } from '../../../../schemas/canary/watch.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { lowestMode, Mode, Severity } from '../../../../schemas/config/names.ts';
import type { Freeze } from '../../../../schemas/freeze/freeze.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { SloView } from '../../../../schemas/slo/slo-view.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import {
  type Contradiction,
  contradictionOf,
  contradictionText,
  contradictionToShow,
  pagesNow,
} from '../../../../domain/status/contradictions.ts';
import { modesFor } from '../../../../domain/automation/automation.ts';
import {
  ago,
  ahead,
  type Html,
  line,
  modeBadge,
  nothing,
  panel,
  servicePath,
  severityBadge,
  shareBar,
  spanOf,
  statusBadge,
  tableOf,
} from '../../parts.ts';
import type { Viewer } from '../../../context.ts';
import { CANARIES_PATH, canaryBadge, canaryPath } from '../canary/canaries.ts';
import { experimentBadge, EXPERIMENTS_PATH, scopeOf } from '../experiments/parts.ts';
import type { ConsoleDeps, ConsolePage } from '../page.ts';
import { withoutCorrections } from '../slo/slos.ts';

/** The most incidents that the page shows with their cause and automation, of the most severe and newest ones. */
const DETAILED_MAX = 25;
const CHILDREN_MAX = 10;
const LISTED_MAX = 12;

type OpenIncident = {
  incident: IncidentRecord;
  decisions: readonly DecisionView[];
  effects: readonly Effect[];
  /** Open children. */
  children: readonly IncidentRecord[];
};

/** The mode in force of a service in an environment, and the one that is configured. */
type PlaceMode = { service: string; environment: string; mode: Mode; configured: Mode };

/** `contradiction`: no incident is open, and the status page shows its components as operational. */
type BurningSlo = SloView & { contradiction: Contradiction | null };

/** What the page shows. A part is null if the viewer may not see it. */
export type Now = {
  at: Timestamp;
  incidents: readonly OpenIncident[];
  /** Number of incidents that are not shown. */
  moreIncidents: number;
  freezes: readonly Freeze[] | null;
  slos: readonly BurningSlo[] | null;
  deploys: readonly Change[] | null;
  canaries: readonly Canary[] | null;
  /** Chaos experiments that are not over. */
  experiments: readonly Experiment[] | null;
  watches: readonly Watch[] | null;
  automation: { settings: Automation; modes: readonly PlaceMode[] } | null;
};

export const now: ConsolePage = {
  path: '/console',
  label: 'Now',
  action: 'incidents:read',
  everySeconds: 5,
  async show(deps, { viewer }) {
    const data = await load(deps, viewer);
    const open = data.incidents.length + data.moreIncidents;
    return { title: open === 0 ? 'Now' : `(${open}) Now`, main: nowMain(data) };
  },
};

async function load(deps: ConsoleDeps, { may }: Viewer): Promise<Now> {
  const at = deps.clock.now();
  const [incidents, freezes, slos, deploys, canaries, experiments, watches, automation] = await Promise.all([
    openIncidents(deps, (one) => may('incidents:read', one)),
    may('freezes:read', {}) ? deps.freezes.current() : null,
    may('slos:read', {}) ? burningSlos(deps) : null,
    may('deployments:read', {}) ? deps.changes.rolling() : null,
    may('canaries:read', {}) ? deps.canaries.running() : null,
    may('experiments:read', {}) ? deps.experiments.unfinished() : null,
    may('deployments:read', {}) ? deps.watches.unfinished() : null,
    may('automation:read', {}) ? automationNow(deps) : null,
  ]);
  return {
    at,
    ...incidents,
    freezes: freezes && freezes.filter((one) => stateAt(one, at) === 'in_force' && may('freezes:read', one)),
    slos: slos && slos.filter((slo) => may('slos:read', slo)),
    deploys: deploys && deploys.map(({ change }) => change).filter((change) => may('deployments:read', change)),
    canaries: canaries && canaries.filter((one) => may('canaries:read', one)),
    experiments:
      experiments &&
      experiments.filter(({ scope }) =>
        scope.every((serviceEnvironment) => may('experiments:read', serviceEnvironment)),
      ),
    watches: watches && watches.filter((one) => one.outcome === null && may('deployments:read', one)),
    automation: automation && {
      ...automation,
      modes: automation.modes.filter((place) => may('automation:read', place)),
    },
  };
}

async function openIncidents(
  deps: Pick<Deps, 'incidents'>,
  isVisible: (incident: IncidentRecord) => boolean,
): Promise<Pick<Now, 'incidents' | 'moreIncidents'>> {
  const open = (await deps.incidents.open()).filter(isVisible);
  const listed = withoutChildren(open).toSorted(
    (a, b) => rankOf(a) - rankOf(b) || (a.opened_at < b.opened_at ? 1 : a.opened_at > b.opened_at ? -1 : 0),
  );
  const children = Map.groupBy(open, ({ parent_id }) => parent_id);
  const shown = listed.slice(0, DETAILED_MAX);
  const views = await Promise.all(shown.map(({ id }) => deps.incidents.view(id)));
  const incidents = shown.map((incident, n): OpenIncident => {
    const { decisions = [], effects = [] } = views[n] ?? {};
    return { incident, decisions, effects, children: children.get(incident.id) ?? [] };
  });
  return { incidents, moreIncidents: listed.length - shown.length };
}

const rankOf = ({ severity }: IncidentRecord): number => Severity.options.indexOf(severity);

/** Returns the objectives that burn their budget too fast, or have spent it. */
async function burningSlos(
  deps: Pick<Deps, 'clock' | 'config' | 'incidents' | 'publicIncidents' | 'sloStatuses'>,
): Promise<BurningSlo[]> {
  const burning = (await currentSlos(deps))
    .filter(({ burning: alerts, budget_remaining: left }) => alerts.length > 0 || (left !== null && left <= 0))
    .toSorted((a, b) => (a.budget_remaining ?? 1) - (b.budget_remaining ?? 1));
  if (!burning.some((slo) => !slo.stale && pagesNow(slo)))
    return burning.map((slo) => ({ ...slo, contradiction: null }));
  const [config, open, published] = await Promise.all([
    deps.config.current(),
    deps.incidents.open(),
    deps.publicIncidents.open(),
  ]);
  const at = deps.clock.now();
  return burning.map((slo) => {
    const hasIncident = open.some((one) => one.service === slo.service && one.environment === slo.environment);
    const isBad = !slo.stale && !hasIncident && pagesNow(slo);
    return {
      ...slo,
      contradiction: isBad ? contradictionOf(slo, 'bad', undefined, { config, published, now: at }) : null,
    };
  });
}

async function automationNow(deps: Pick<Deps, 'config' | 'automation'>): Promise<NonNullable<Now['automation']>> {
  const [config, settings] = await Promise.all([deps.config.current(), deps.automation.read()]);
  const modes = Object.entries(config.services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, place]): PlaceMode[] => {
      if (place?.deployer === undefined) return [];
      const configured = place.autoRollback.mode;
      const demoted: Mode[] = Object.hasOwn(settings.demoted, service) ? ['approve'] : [];
      const caps = modesFor(settings, { service, environment } as Parameters<typeof modesFor>[1]);
      return [{ service, environment, configured, mode: lowestMode(configured, ...demoted, ...caps) }];
    }),
  );
  return { settings, modes };
}

export const nowMain = (data: Now): Html => html`
  <h1 class="hidden">Now</h1>
  ${automationStrip(data)}
  <div class="columns">
    ${panel('incidents', 'Open incidents', data.incidents.length + data.moreIncidents, incidentList(data))}
    <div class="aside">
      ${deploysPanel(data)} ${canariesPanel(data)} ${experimentsPanel(data)} ${watchesPanel(data)} ${freezesPanel(data)}
      ${slosPanel(data)}
    </div>
  </div>
`;

const incidentList = ({ incidents, moreIncidents, at }: Now): Html =>
  incidents.length === 0
    ? nothing('No incident is open.')
    : html`<ol class="incidents">
          ${incidents.map((one) => html`<li>${incidentRow(one, at)}</li>`)}
        </ol>
        ${
          moreIncidents === 0
            ? ''
            : html`<p class="more">
                and ${moreIncidents} more, less severe or older: <code>firebreak incident list</code>
              </p>`
        }`;

function incidentRow({ incident, decisions, effects, children }: OpenIncident, at: Timestamp): Html {
  const { id, title, severity, status, opened_at, roles, firing, by_hand } = incident;
  const questions = answerable({ incident, decisions });
  const contradiction = contradictionToShow(incident, at);
  return html`<article class="incident ${severity}" aria-labelledby="i-${id}">
    <h3>
      <a id="i-${id}" href="${incidentPath(id)}"
        ><span class="place">${serviceEnvironmentText(incident)}</span> ${title}</a
      >
    </h3>
    <p class="facts">
      ${severityBadge(severity)} ${statusBadge(status, statusWords(incident))}
      <span>opened ${ago(opened_at, at)}</span>
      <span>${by_hand === true && firing < 1 ? 'declared by hand' : firingText(firing)}</span>
      ${
        roles?.commander === undefined
          ? html`<span class="lacking">no commander</span>`
          : html`<span>commander ${roles.commander.shown}</span>`
      }
    </p>
    ${
      contradiction === undefined
        ? ''
        : html`<p class="contradiction">
            <strong>${contradictionText(contradiction)}</strong> for ${spanOf(contradiction.since, at)}
          </p>`
    }
    ${
      questions.length === 0
        ? ''
        : html`<p class="question">
            <strong>Needs approval:</strong> ${subjectOf(questions[0] as DecisionView)}?
            <a href="${incidentPath(id)}#questions">Answer</a>
          </p>`
    }
    <dl class="lines">
      ${
        incident.group_reason === undefined
          ? [
              line('Probable cause', causeOf(incident, decisions)),
              line('Automation', automationOf({ incident, decisions, effects })),
            ]
          : line('Grouped', incident.group_reason.text)
      }
    </dl>
    ${children.length === 0 ? '' : childList(children)}
  </article>`;
}

const firingText = (firing: number): string => (firing === 1 ? '1 alert fires' : `${Math.max(firing, 0)} alerts fire`);

/** Shows the most probable suspect with its strongest reason. */
function causeOf({ suspects }: IncidentRecord, decisions: readonly DecisionView[]): Html {
  const [first] = suspectsToShow(suspects);
  if (first === undefined)
    return html`${decisions.length === 0 ? 'not known yet' : 'no known change could have caused this'}`;
  return html`<strong class="version">${first.version}</strong> ${shareBar(first.confidence, 'confidence')}
    ${first.reasons.slice(0, 1)}`;
}

const childList = (children: readonly IncidentRecord[]): Html =>
  html`<details class="children" id="children-of-${children[0]?.parent_id ?? ''}" open>
    <summary>
      ${children.length === 1 ? '1 open incident in this group' : `${children.length} open incidents in this group`}
    </summary>
    <ul>
      ${children.slice(0, CHILDREN_MAX).map(
        (child) =>
          html`<li>
            ${severityBadge(child.severity)}
            <a href="${incidentPath(child.id)}"
              ><span class="place">${serviceEnvironmentText(child)}</span> ${child.title}</a
            >
            <span class="quiet">${statusWords(child)}</span>
          </li>`,
      )}
      ${children.length > CHILDREN_MAX ? html`<li class="more">and ${children.length - CHILDREN_MAX} more</li>` : ''}
    </ul>
  </details>`;

function automationStrip({ automation, at }: Now): Html {
  if (automation === null) return html``;
  const { settings, modes } = automation;
  const { paused, by, reason, mode, at: since } = settings;
  const counted = Mode.options
    .toReversed()
    .map((one) => ({ one, count: modes.filter((place) => place.mode === one).length }))
    .filter(({ count }) => count > 0);
  return html`<section
    class="strip ${paused ? 'paused' : ''}"
    id="automation"
    data-part
    aria-labelledby="automation-title"
  >
    <h2 id="automation-title">Automation</h2>
    <p>
      ${
        paused
          ? html`<strong>Kill switch on:</strong> nothing is rolled back. Set by ${by ?? 'an unknown person'}
              ${since === null ? '' : ago(since, at)}${reason === null || reason === '' ? '' : `: ${reason}`}`
          : html`<strong>On</strong>${mode === null ? '' : `, limited to ${mode} for all services`}`
      }
    </p>
    ${
      counted.length === 0
        ? html`<p class="quiet">No service has a deployer, so nothing is rolled back.</p>`
        : html`<details id="modes">
            <summary>
              ${counted.map(({ one, count }) => html`<span class="mode mode-${one}">${one} ${count}</span> `)}
            </summary>
            ${modeTable(modes)}
          </details>`
    }
  </section>`;
}

const modeTable = (modes: readonly PlaceMode[]): Html =>
  tableOf(
    'Modes of automation',
    ['Service', 'Environment', 'Mode in force', 'Configured'],
    modes.map(({ service, environment, mode, configured }) => [
      html`<a href="${servicePath(service)}">${service}</a>`,
      environment,
      modeBadge(mode),
      configured === mode ? '' : configured,
    ]),
  );

const listOf = <T>(items: readonly T[], row: (item: T) => Html): Html =>
  html`<ul class="rows">
    ${items.slice(0, LISTED_MAX).map((item) => html`<li>${row(item)}</li>`)}
    ${items.length > LISTED_MAX ? html`<li class="more">and ${items.length - LISTED_MAX} more</li>` : ''}
  </ul>`;

function deploysPanel({ deploys, at }: Now): Html {
  if (deploys === null) return html``;
  const newest = deploys.toSorted((a, b) => (a.started_at < b.started_at ? 1 : -1));
  const body =
    newest.length === 0
      ? nothing('No deploy is in progress.')
      : listOf(
          newest,
          ({ service, environment, version, kind, author, canary_weight: weight, started_at }) =>
            html`<p><span class="place">${service} ${environment}</span> <strong class="version">${version}</strong></p>
              <p class="quiet">
                ${kind} · started
                ${ago(started_at, at)}${author === null ? '' : ` · ${author}`}${weight === null ? '' : ` · ${Math.round(weight * 100)} % of the traffic`}
              </p>`,
        );
  return panel('deploys', 'Deploys in progress', newest.length, body);
}

/** Shows the canaries in progress. Empty: none. */
function canariesPanel({ canaries, at }: Now): Html | '' {
  if (canaries === null || canaries.length === 0) return '';
  const body = listOf(
    canaries,
    ({ id, service, environment, version, status, weight, reason, started_at }) =>
      html`<p>
          <span class="place">${service} ${environment}</span>
          <a href="${canaryPath(id)}"><strong class="version">${version}</strong></a>
          ${canaryBadge(status)}
        </p>
        <p>${shareBar(weight / 100, 'traffic')} of the traffic</p>
        <p class="quiet">${reason} · started ${ago(started_at, at)}</p>`,
  );
  return panel(
    'canaries',
    'Canaries',
    canaries.length,
    html`${body}
      <p class="more"><a href="${CANARIES_PATH}">All canaries</a></p>`,
  );
}

/** Shows the chaos experiments that are not over. Empty: none. */
function experimentsPanel({ experiments, at }: Now): Html | '' {
  if (experiments === null || experiments.length === 0) return '';
  const body = listOf(
    experiments,
    (one) =>
      html`<p><a href="${experimentPath(one.id)}">${one.name}</a> ${experimentBadge(one)}</p>
        <p>${scopeOf(one)}</p>
        <p class="quiet">
          ${one.reason}${one.started_at === null ? '' : html` · started ${ago(one.started_at, at)}`}${one.expected === 0 ? '' : ` · ${one.expected === 1 ? '1 alert' : `${one.expected} alerts`} kept quiet`}
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

/** Shows the watches of deploys in progress. Empty: none. */
function watchesPanel({ watches, at }: Now): Html | '' {
  if (watches === null || watches.length === 0) return '';
  const body = listOf(watches, ({ service, environment, version, checks, checks_planned: planned, started_at }) => {
    const last = checks.at(-1)?.verdict;
    return html`<p>
        <span class="place"><a href="${servicePath(service)}#watches">${service}</a> ${environment}</span>
        <strong class="version">${version}</strong>
        ${last === undefined ? '' : html`<span class="badge ${last === 'degraded' ? 'critical' : last === 'healthy' ? '' : 'warning'}">${last}</span>`}
      </p>
      <p class="quiet">
        check ${Math.min(checks.length + 1, planned)} of ${planned} · started ${ago(started_at, at)}
      </p>`;
  });
  return panel('watches', 'Watched deploys', watches.length, body);
}

function freezesPanel({ freezes, at }: Now): Html {
  if (freezes === null) return html``;
  const body =
    freezes.length === 0
      ? nothing('No freeze is in force.')
      : listOf(
          freezes,
          (freeze) =>
            html`<p><span class="place">${frozenPlace(freeze)}</span> <span class="badge">${freeze.cause}</span></p>
              <p>${freeze.reason}</p>
              <p class="quiet">
                since ${ago(freeze.starts_at, at)} ·
                ${freeze.until === null ? freeze.ends_when : html`ends ${ahead(freeze.until, at)}`}${freeze.overrides.length === 0 ? '' : ` · ${freeze.overrides.length === 1 ? '1 override' : `${freeze.overrides.length} overrides`}`}
              </p>`,
        );
  return panel('freezes', 'Freezes', freezes.length, body);
}

const frozenPlace = ({ service, team, environment }: Freeze): string =>
  `${service ?? (team === null ? 'all services' : `team ${team}`)} ${environment ?? 'everywhere'}`;

function slosPanel({ slos, at }: Now): Html {
  if (slos === null) return html``;
  const body =
    slos.length === 0
      ? nothing('No error budget burns too fast.')
      : listOf(
          slos,
          ({
            name,
            id,
            service,
            environment,
            budget_remaining: left,
            corrected,
            burning,
            forecast: { spent_at },
            contradiction,
          }) =>
            html`<p><span class="place">${service} ${environment}</span> ${name || id}</p>
              <p>
                ${left === null ? 'budget unknown' : html`${shareBar(left, 'budget left')} budget left${left < 0 ? `, overspent by ${Math.round(-left * 100)} %` : ''}`}
                ${withoutCorrections({ corrected })}
              </p>
              <p class="quiet">
                ${burning.map(({ factor, long }) => `burns at least ${Math.round(factor * 10) / 10}× too fast over ${long}`).join('; ') || 'spent'}${spent_at === null ? '' : html` · spent ${ahead(spent_at, at)}`}
              </p>
              ${
                contradiction === null
                  ? ''
                  : html`<p class="contradiction">
                      <strong>${contradictionText(contradiction)}</strong>, and no incident is open
                    </p>`
              }`,
        );
  return panel('slos', 'Burning SLOs', slos.length, body);
}
