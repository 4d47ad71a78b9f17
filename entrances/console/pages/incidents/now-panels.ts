import { automationText } from '../../../../core/domain/automation/automation.ts';
import { html } from 'hono/html';
import { Mode } from '../../../../schemas/config/names.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { statusWords } from '../../../../core/domain/incidents/status-words.ts';
import { capitalized, decisionLines } from '../../../../core/domain/messages/decision-lines.ts';
import { EFFECT_NAMES, effectWords, rollbackOf } from '../../../../core/domain/messages/incident-lines.ts';
import type { Effect } from '../../../../schemas/incidents/incident.ts';
import {
  addressWith,
  ago,
  type Html,
  modeBadge,
  numberOf,
  panel,
  servicePath,
  shortList,
  tableOf,
} from '../../parts.ts';
import { INCIDENTS_PATH } from './list.ts';
import { AUTOMATION_PATH } from '../automation.ts';
import type { EnvironmentMode, Now } from './now-data.ts';
import type { IncidentDetail } from '../reports.ts';

/** Shows the kill switch, and how many environments have each mode. */
export function automationStrip({ automation, at }: Now): Html {
  if (automation === null) return html``;
  const { settings, modes } = automation;
  const { paused, at: since } = settings;
  const counted = Mode.options
    .toReversed()
    .map((option) => ({ option, count: modes.filter((environment) => environment.mode === option).length }))
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
          ? html`<strong>${capitalized(automationText(settings))}.</strong> Nothing is rolled back.
              ${since === null ? '' : html`<span class="quiet">${ago(since, at)}</span>`}`
          : `${capitalized(automationText(settings))}.`
      }
      <a href="${AUTOMATION_PATH}">Change</a>
    </p>
    ${
      counted.length === 0
        ? html`<p class="quiet">No service has a deployer, so nothing is rolled back.</p>`
        : html`<details id="modes">
            <summary>
              ${paused ? 'Modes after it: ' : ''}${counted.map(({ option, count }) => html`<span class="mode mode-${option}">${option} ${count}</span> `)}
            </summary>
            ${modeTable(modes, paused)}
            ${modes.length > MODES_SHOWN ? html`<p class="more"><a href="/console/services">All ${modes.length} environments</a></p>` : ''}
          </details>`
    }
  </section>`;
}

/** Environments whose mode the page shows, those first whose mode is lower than configured. */
const MODES_SHOWN = 50;

const modeTable = (modes: readonly EnvironmentMode[], paused: boolean): Html =>
  tableOf(
    'Modes of automation',
    ['Service', 'Environment', paused ? 'Mode after the kill switch' : 'Mode in force', 'Configured'],
    modes
      .toSorted((a, b) => Number(a.mode === a.configured) - Number(b.mode === b.configured))
      .slice(0, MODES_SHOWN)
      .map(({ service, environment, mode, configured }) => [
        html`<a href="${servicePath(service)}">${service}</a>`,
        environment,
        modeBadge(mode),
        configured === mode ? '' : configured,
      ]),
  );

/** Shows the deploys in progress. Empty: none. */
export function deploysPanel({ deploys, at }: Now): Html | '' {
  if (deploys === null || deploys.length === 0) return '';
  const newest = deploys.toSorted((a, b) => (a.started_at < b.started_at ? 1 : -1));
  const body = shortList(
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

/** Shows the watches of deploys in progress. Empty: none. */
export function watchedDeploysPanel({ watches, at }: Now): Html | '' {
  if (watches === null || watches.length === 0) return '';
  const body = shortList(watches, ({ service, environment, version, checks, checks_planned: planned, started_at }) => {
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

/** Names in one sentence what there is none of now. */
export function quietLine({ deploys, parts, day }: Now): Html | '' {
  const quiet = [
    ...(deploys?.length === 0 ? ['deploy in progress'] : []),
    ...[...parts.above, ...parts.below].flatMap((part) =>
      typeof part === 'object' && 'quiet' in part ? [part.quiet] : [],
    ),
    ...(isQuiet(day) ? ['incident opened in the last 24 hours'] : []),
  ];
  return html`<p class="quiet" id="quiet" data-part>${quiet.length === 0 ? '' : `No ${quiet.join(', no ')}.`}</p>`;
}

const isQuiet = ({ opened, resolved, acted, pages }: Now['day']): boolean => opened + resolved + acted + pages === 0;

/** Sums up the last 24 hours, with the last automatic acts. Empty: nothing happened. */
export function dayPanel({ day, at }: Now): Html | '' {
  if (isQuiet(day)) return '';
  const { opened, acted, pages, acts } = day;
  const link = (query: Readonly<Record<string, string>>, text: string): Html =>
    html`<a href="${addressWith(INCIDENTS_PATH, { state: 'all', days: '1', ...query })}">${text}</a>`;
  return panel(
    'day',
    'Last 24 hours',
    null,
    html`<p>
        ${link({}, counted(opened, 'incident'))} opened, automation acted in
        ${acted === 0 ? 'none' : link({ automation: 'acted' }, `${acted}`)}, ${counted(pages, 'page')} sent.
      </p>
      ${
        acts.length === 0
          ? ''
          : html`<ul class="rows">
              ${acts.map(
                (act) =>
                  html`<li>
                    <p><a href="${incidentPath(act.incident)}">${numberOf(act.incident)}</a> ${actText(act)}</p>
                    <p class="quiet">
                      ${ago(act.incident.verifying?.at ?? act.incident.opened_at, at)} · ${statusWords(act.incident)}
                    </p>
                  </li>`,
              )}
            </ul>`
      }`,
  );
}

const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? '' : 's'}`;

/** Describes the newest act: a rollback, or a step of a runbook. */
function actText({ incident, decisions, effects }: IncidentDetail): string {
  const rolledBack = decisions.findLast((decision) => rollbackOf(decision, { decisions, effects }) !== undefined);
  if (rolledBack !== undefined)
    return decisionLines(rolledBack, incident, rollbackOf(rolledBack, { decisions, effects })).action;
  const step = effects.findLast(({ kind }) => STEPS.has(kind));
  return step === undefined ? 'A runbook acted.' : `Runbook step ${EFFECT_NAMES[step.kind]}: ${effectWords(step)}`;
}

/** Kinds of effects with which runbooks change a service. */
const STEPS: ReadonlySet<Effect['kind']> = new Set(['flag', 'scale', 'restart', 'reroute', 'http']);
