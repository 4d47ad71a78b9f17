import { CONCLUSION_REASONS, stopText } from '../decisions/words.ts';
import { html } from 'hono/html';
import * as z from 'zod';
import { sendExperimentRequest } from '../actions/record-experiment.ts';
import { limitsText, resultsOf, numberText } from '../decisions/conclusion.ts';
import { experimentPath } from '../../../core/domain/incidents/console-link.ts';
import type { CheckNumbers, CheckResult, ChaosRun, Phase } from '../experiment.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import {
  actionForm,
  ago,
  type Cells,
  clockTime,
  type Html,
  incidentLink,
  line,
  nothing,
  onDemand,
  panel,
  severityBadge,
  tableOf,
} from '../../../entrances/console/parts.ts';
import { alertKey, type ExperimentData, experimentIdIn, loadExperiment } from './data.ts';
import { experimentBadge, EXPERIMENTS_PATH, reportPath, scopeOf } from './parts.ts';
import { checkPlot } from './plots.ts';
import { withPorts } from '../ports.ts';
import { type ConsolePage, field } from '../../../entrances/console/pages/page.ts';

const ALERTS_SHOWN = 100;

export const experimentPage: ConsolePage = {
  path: `${EXPERIMENTS_PATH}/:id`,
  label: null,
  within: EXPERIMENTS_PATH,
  action: 'experiments:read',
  everySeconds: 5,
  actions: {
    stop: {
      permission: 'experiments:write',
      done: 'Requested. The experiment is stopped as soon as the chaos system confirms it.',
      run: async (deps, { caller, param, form }) => {
        const reason = field(form, 'reason', z.string().max(500).optional()) ?? null;
        await sendExperimentRequest(withPorts(deps), caller, experimentIdIn(param), { kind: 'stop', reason });
      },
    },
  },
  async show(deps, request) {
    const data = await loadExperiment(deps, request);
    return { title: `Experiment: ${data.story.name}`, main: experimentMain(data) };
  },
};

export const experimentMain = (data: ExperimentData): Html => html`
  <header class="summary" id="summary" data-part>
    <p><a href="${EXPERIMENTS_PATH}">Experiments</a></p>
    <h1>${data.story.name}</h1>
    <p class="facts">
      ${experimentBadge(data.story)} <span>${data.story.reason}</span>
      <a href="${reportPath(data.story.id)}">Report as Markdown</a>
    </p>
  </header>
  <div class="columns incident-columns">
    <div class="aside">${factsPanel(data)} ${actionsPanel(data)} ${chaosPanel(data)} ${conditionsPanel(data)}</div>
    <div class="detail">
      ${conclusionPanel(data)} ${observationPanel(data)} ${numbersPanel(data)} ${alertsPanel(data)} ${coursePanel(data)}
    </div>
  </div>
`;

function factsPanel({ story, at }: ExperimentData): Html {
  const { started_at: started, stopped_at: stopped } = story;
  const ran = started === null || stopped === null ? null : secondsBetween(started, stopped);
  return panel(
    'facts',
    'Hypothesis',
    null,
    html`<p>${story.hypothesis}</p>
      <dl class="lines">
        ${line('Scope', scopeOf(story))}
        ${line('Duration', `${minutes(story.duration_seconds)} at most${ran === null ? '' : `; it ran ${minutes(ran)}`}`)}
        ${line('Measured', `each ${numberText(story.interval_seconds)} s`)}
        ${line('Grace period', minutes(story.grace_seconds))}
        ${line('Recorded', html`${ago(story.created_at, at)} by ${story.created_by}`)}
        ${line('Started', started === null ? 'no' : html`${clockTime(started, at)}, ${ago(started, at)}`)}
        ${story.ending === null ? '' : line('Ended', html`${clockTime(story.ending.at, at)}: ${story.ending.reason}${story.ending.by === null ? '' : ` (${story.ending.by})`}`)}
        ${line('ID', html`<code>${story.id}</code>`)}
      </dl>`,
  );
}

const minutes = (seconds: number): string =>
  seconds < 120 ? `${numberText(seconds)} s` : `${numberText(seconds / 60)} min`;

/** Shows the form only to viewers who may stop the experiment in its whole scope, as over HTTP. */
function actionsPanel({ story, may, csrfToken }: ExperimentData): Html | '' {
  const isOver = story.status === 'ended' || story.status === 'stopping';
  if (isOver || !story.scope.every((serviceEnvironment) => may('experiments:write', serviceEnvironment))) return '';
  const [label, explanation] =
    story.status === 'settling'
      ? ['End the grace period', 'It is over already. Alerts that still fire are treated like any other from now on.']
      : story.started_at === null
        ? ['Cancel', 'It has not started, and can no longer be started.']
        : [
            'Stop the experiment',
            story.run === null
              ? 'Firebreak stops observing it. It cannot stop the experiment itself: stop it in your chaos tool, too.'
              : 'Firebreak stops it at the chaos system. Alerts that still fire after the grace period are treated like any other.',
          ];
  return panel(
    'actions',
    'Actions',
    null,
    onDemand(
      'stop',
      `${label}…`,
      actionForm(
        experimentPath(story.id),
        'stop',
        csrfToken,
        html`<p>${explanation}</p>
          <label for="reason-stop">Reason (optional)</label>
          <input id="reason-stop" name="reason" maxlength="500" autocomplete="off" />
          <button class="danger" id="do-stop">${label}</button>`,
      ),
    ),
  );
}

/** Shows the object of the chaos system as the workflow read it last; the console itself has no access to it. */
function chaosPanel({ story: { run, stop, chaos } }: ExperimentData): Html {
  return panel(
    'chaos',
    'Chaos system',
    null,
    html`<dl class="lines">
        ${line('Object', run === null ? 'none: Firebreak cannot stop the experiment or read its state' : runText(run))}
        ${line('Stop', stopText(stop))}
        ${run === null ? '' : line('Result', chaos === null ? 'none reported so far' : html`<span class="badge ${VERDICTS[chaos.verdict]}">${chaos.verdict}</span> ${chaos.text}`)}
      </dl>
      ${
        chaos === null || chaos.probes.length === 0
          ? ''
          : tableOf(
              'Probes',
              ['Probe', 'Type', 'Result', 'Description'],
              chaos.probes.map(({ name, type, verdict, description }): Cells => [name, type, verdict, description]),
            )
      }`,
  );
}

const VERDICTS = { passed: '', failed: 'critical', stopped: 'info', error: 'warning', awaited: 'info' } as const;

function runText(run: ChaosRun): Html {
  switch (run.kind) {
    case 'http':
      return html`run <code>${run.id}</code>`;
    case 'litmus':
      return html`ChaosEngine <code>${run.engine}</code> of LitmusChaos`;
    case 'chaos-mesh':
      return html`${run.resource} <code>${run.name}</code> of Chaos Mesh`;
  }
}

function conditionsPanel({ story }: ExperimentData): Html {
  const { expected_alerts: expected, abort_alerts: abort, checks, missing_limit: missing } = story;
  const guarded = checks.filter(({ abort_above: above, abort_below: below }) => above !== null || below !== null);
  const beyond = checks.flatMap(({ name, abort_above: above, abort_below: below }) => [
    ...(above === null ? [] : [`${name} above ${numberText(above)}`]),
    ...(below === null ? [] : [`${name} below ${numberText(below)}`]),
  ]);
  const unmeasured = guarded.map(
    ({ name }) => `${name} not measured ${missing === 0 ? 'once' : `${missing + 1} times in a row`}`,
  );
  const stops = [...beyond, ...unmeasured, ...abort.map((alert) => `alert ${labelText(alert)}`)];
  return panel(
    'conditions',
    'Alerts and limits',
    null,
    html`<dl class="lines">
      ${line('Expected alerts', expected.length === 0 ? 'all of the scope' : rows(expected.map(labelText)))}
      ${line('Stopped by', stops.length === 0 ? 'no alert and no limit' : rows(stops))}
    </dl>`,
  );
}

const rows = (texts: readonly string[]): Html =>
  html`<ul class="reasons">
    ${texts.map((text) => html`<li>${text}</li>`)}
  </ul>`;

/** Returns the labels that identify an alert, with its name first if it has one. */
const labelText = (alert: Readonly<Record<string, string>>): string =>
  Object.entries(alert)
    .map(([name, text]) => (name === 'alertname' ? text : `${name}=${text}`))
    .join(', ');

function conclusionPanel({ story: { conclusion } }: ExperimentData): Html | '' {
  if (conclusion === null) return '';
  const recovered = conclusion.outcome === 'inconclusive' ? null : conclusion.recovered;
  return panel(
    'conclusion',
    'Conclusion',
    null,
    html`<p>
        ${experimentBadge({ status: 'ended', conclusion })}
        ${'because' in conclusion ? html`<span>${CONCLUSION_REASONS[conclusion.because]}</span>` : ''}
      </p>
      ${rows(conclusion.reasons)}
      ${recovered === null ? '' : html`<p>${recovered ? 'All checks were within their limits at the end.' : 'Not all checks were within their limits at the end.'}</p>`}`,
  );
}

function observationPanel({ story, at }: ExperimentData): Html {
  const { checks, observations } = story;
  return panel(
    'observation',
    'Observation',
    observations.length,
    observations.length === 0
      ? nothing('Nothing is measured yet.')
      : html`${checks.map(
          (check, n) =>
            html`<h3>${check.name}</h3>
              <p class="quiet">
                ${limitsText(check)}${check.promql === null ? html`, metric ${check.metric}` : html`, <code>${check.promql}</code>`}
              </p>
              ${checkPlot(`check-${n}`, check, story, at)}`,
        )}`,
  );
}

const PHASES: Readonly<Record<Phase, string>> = { before: 'steady state before', during: 'during', after: 'after' };

function numbersPanel({ story: { checks, observations } }: ExperimentData): Html | '' {
  if (observations.length === 0) return '';
  const results = resultsOf(checks, observations);
  return panel(
    'numbers',
    'Numbers',
    null,
    tableOf(
      'Numbers of the checks',
      ['Check', 'Phase', 'Measured', 'Missing', 'Outside', 'Lowest', 'Mean', 'Highest'],
      results.flatMap((result, n) =>
        (['before', 'during', 'after'] as const)
          .filter((phase) => result[phase].measured + result[phase].missing > 0)
          .map((phase) => numbersRow(result, phase, checks[n]?.tolerated ?? 0)),
      ),
    ),
  );
}

const figureText = (value: CheckNumbers['min']): string => (value === null ? '' : numberText(value));

function numbersRow(result: CheckResult, phase: Phase, tolerated: number): Cells {
  const { measured, missing, outside, min, mean, max } = result[phase];
  const allowed = phase === 'during' ? tolerated : 0;
  return [
    html`${result.name} <span class="quiet target">${limitsText(result)}</span>`,
    PHASES[phase],
    String(measured),
    String(missing),
    html`${outside > allowed ? html`<span class="badge critical">${outside}</span>` : outside}${allowed > 0 ? ` (${allowed} tolerated)` : ''}`,
    figureText(min),
    figureText(mean),
    figureText(max),
  ];
}

function alertsPanel({ story: { alerts }, incidents, at }: ExperimentData): Html {
  const newest = alerts.toSorted((a, b) => (a.at < b.at ? 1 : -1));
  return panel(
    'alerts',
    'Expected alerts',
    alerts.length,
    html`${
        alerts.length === 0
          ? nothing('No alert of the scope has fired because of the experiment.')
          : tableOf(
              'Expected alerts',
              ['Alert', 'Severity', 'Service', 'Time', 'Effect', 'Incident', 'Why'],
              newest.slice(0, ALERTS_SHOWN).map((alert): Cells => {
                const incident = incidents.get(alertKey(alert));
                return [
                  alert.title,
                  severityBadge(alert.severity),
                  `${alert.service} ${alert.environment}`,
                  clockTime(alert.at, at),
                  alert.abort ? 'stopped the experiment' : 'kept quiet',
                  incident === undefined ? 'none' : incidentLink(incident),
                  alert.reasons.map(({ text }) => text).join('; '),
                ];
              }),
            )
      }
      ${alerts.length > ALERTS_SHOWN ? html`<p class="quiet">${alerts.length - ALERTS_SHOWN} older ones are in the report.</p>` : ''}
      <p class="quiet">Those that fire now are also in the <a href="/console/inbox#expected">inbox</a>.</p>`,
  );
}

const coursePanel = ({ story: { events }, at }: ExperimentData): Html =>
  panel(
    'course',
    'Events',
    events.length,
    tableOf(
      'Events',
      ['Time', 'Event', 'By'],
      events.toReversed().map((event): Cells => [clockTime(event.at, at), event.text, event.by ?? 'Firebreak']),
    ),
  );
