import { html } from 'hono/html';
import * as z from 'zod';
import { type CanaryDetails, requestCanaryCommand, viewCanary } from '../actions/canaries.ts';
import { canaryPath } from '../../../core/domain/incidents/console-link.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { isFinal } from '../decisions/progress.ts';
import { significant } from '../../../core/domain/judge/words.ts';
import { type CanaryCheck, type CanaryCommandKind, CanaryId } from '../canary.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import {
  actionForm,
  ago,
  type Cells,
  clockTime,
  type Html,
  line,
  nothing,
  onDemand,
  panel,
  servicePath,
  shareBar,
  tableOf,
} from '../../../entrances/console/parts.ts';
import { once } from '../../../entrances/console/once.ts';
import { type Mark, plot } from '../../../entrances/console/plot.ts';
import { withPorts } from '../ports.ts';
import { CANARIES_PATH, canaryBadge } from './canaries.ts';
import { field, type ConsolePage, type PageAction } from '../../../entrances/console/pages/page.ts';

/** Everything that the page shows. */
type CanaryData = Pick<Viewer, 'may' | 'csrfToken'> & { at: Timestamp; canary: CanaryDetails };

/** @param full with `promote`: gives the version all traffic, instead of its next share */
const command = (kind: CanaryCommandKind, done: string, { full = false } = {}): PageAction => ({
  permission: 'canaries:write',
  done,
  run: async (deps, { viewer, caller, param, form, key }) => {
    const reason = field(form, 'reason', z.string().max(500).optional()) ?? null;
    const request = () => requestCanaryCommand(withPorts(deps), caller, idIn(param), { kind, reason, full });
    // A repeat would give the version one more share. Other commands have the same result when they are repeated.
    if (kind === 'promote' && !full)
      await once(deps, { principal: viewer.sender, route: 'promote a canary', key }, async () => (await request()).id);
    else await request();
  },
});

/** @throws Refusal 404 */
function idIn(param: Readonly<Record<string, string>>): CanaryId {
  const id = CanaryId.safeParse(param['id']);
  if (!id.success) throw new Refusal(404, 'unknown-canary', 'there is no such canary');
  return id.data;
}

export const canaryPage: ConsolePage = {
  path: `${CANARIES_PATH}/:id`,
  label: null,
  within: CANARIES_PATH,
  action: 'canaries:read',
  everySeconds: 5,
  actions: {
    promote: command('promote', 'Requested. The next share follows now.'),
    finish: command('promote', 'Requested. All traffic follows now.', { full: true }),
    hold: command('hold', 'Requested. The share stays until someone promotes.'),
    abort: command('abort', 'Requested. All traffic goes back to the stable version.'),
  },
  async show(deps, { viewer, param }) {
    const canary = await viewCanary(withPorts(deps), viewer.caller, idIn(param));
    const { may, csrfToken } = viewer;
    return {
      title: `Canary ${canary.version} of ${canary.service}`,
      main: canaryMain({ may, csrfToken, at: deps.clock.now(), canary }),
    };
  },
};

const canaryMain = (data: CanaryData): Html => html`
  <header class="summary" id="summary" data-part>
    <p><a href="${CANARIES_PATH}">Canaries</a></p>
    <h1><strong>${data.canary.version}</strong> ${data.canary.service} ${data.canary.environment}</h1>
    <p class="facts">${canaryBadge(data.canary.status)} <span>${data.canary.reason}</span></p>
  </header>
  <div class="columns incident-columns">
    <div class="aside">${factsPanel(data)} ${actionsPanel(data)}</div>
    <div class="detail">${weightsPanel(data)} ${metricsPanel(data)} ${checksPanel(data)}</div>
  </div>
`;

function factsPanel({ canary, at }: CanaryData): Html {
  const { service, stable_version: stable, weight, steps, step_seconds: seconds, target, asked_by, hold } = canary;
  return panel(
    'facts',
    'Traffic',
    null,
    html`<dl class="lines">
      ${line('Service', html`<a href="${servicePath(service)}">${service}</a> ${canary.environment}`)}
      ${line('Share', shareBar(weight / 100, 'traffic'))}
      ${line('Stable version', html`<span class="version">${stable}</span>`)}
      ${line('Steps', `${steps.join(', ')} %, at least ${significant(seconds / 60)} min each`)}
      ${hold === null ? '' : line('Held', html`${ago(hold.since, at)}: ${hold.reason}`)} ${line('Router', target)}
      ${line('Started', html`${ago(canary.started_at, at)} by ${asked_by}`)}
      ${canary.ended_at === null ? '' : line('Ended', ago(canary.ended_at, at))}
      ${line('ID', html`<code>${canary.id}</code>`)}
    </dl>`,
  );
}

function actionsPanel({ canary, may, csrfToken }: CanaryData): Html | '' {
  if (isFinal(canary) || canary.status === 'aborting' || !may('canaries:write', canary)) return '';
  const form = (action: string, label: string, explanation: string, buttonClass: 'danger' | '' = ''): Html =>
    onDemand(
      action,
      `${label}…`,
      actionForm(
        canaryPath(canary.id),
        action,
        csrfToken,
        html`<p>${explanation}</p>
          <label for="reason-${action}">Reason (optional)</label>
          <input id="reason-${action}" name="reason" maxlength="500" autocomplete="off" />
          <button class="${buttonClass}" id="do-${action}">${label}</button>`,
      ),
    );
  return panel(
    'actions',
    'Actions',
    null,
    html`${form('promote', 'Promote', 'Gives the version its next share now, without the rest of the step and without a healthy verdict.')}
    ${form('finish', 'Promote to 100 %', 'Gives the version all traffic, without the remaining steps.', 'danger')}
    ${form('hold', 'Hold', 'Keeps the share until someone promotes. A degraded version is still aborted.')}
    ${form('abort', 'Abort', `Gives all traffic back to ${canary.stable_version}.`, 'danger')}`,
  );
}

const percent = (weight: number): string => `${significant(weight)} %`;

/** Shows the share of the traffic over time, in steps. */
function weightsPanel({ canary, at }: CanaryData): Html {
  const events = canary.events.toReversed();
  const until = canary.ended_at ?? at;
  const from = events[0]?.at ?? canary.started_at;
  const curve = events.flatMap((event, n): (readonly [Timestamp, number])[] => {
    const before = events[n - 1]?.weight;
    return [
      ...(before === undefined || before === event.weight ? [] : [[event.at, before] as const]),
      [event.at, event.weight],
    ];
  });
  const last =
    canary.status === 'promoted' || canary.status === 'aborted' ? canary.weight : (curve.at(-1)?.[1] ?? canary.weight);
  const marks: Mark[] = [
    { kind: 'deploy', at: canary.started_at, label: 'started' },
    ...(canary.ended_at === null
      ? [{ kind: 'now', at, label: 'now' } as const]
      : [
          {
            kind: canary.status === 'promoted' ? 'now' : 'rollback',
            at: canary.ended_at,
            label: canary.status,
          } as const,
        ]),
  ];
  return panel(
    'weights',
    'Share of the traffic',
    null,
    plot({
      id: 'weights',
      title: `Share of the traffic of ${canary.version}`,
      curve: [...curve, [until, last]],
      from,
      until: until > from ? until : plusSeconds(from, 60),
      limit: null,
      top: 100,
      unit: { factor: 1, suffix: ' %' },
      format: percent,
      gapSeconds: Infinity, // the share stays as it is between two events
      marks,
      table: tableOf(
        'Events',
        ['Time', 'Share', 'Event', 'By'],
        canary.events.map((event): Cells => [
          clockTime(event.at, at),
          percent(event.weight),
          event.text,
          event.by ?? 'Firebreak',
        ]),
      ),
    }),
  );
}

const VERDICTS = { healthy: '', degraded: 'critical', inconclusive: 'warning' } as const;

const verdictBadge = (verdict: CanaryCheck['verdict']): Html =>
  html`<span class="badge ${VERDICTS[verdict]}">${verdict}</span>`;

/** Returns a figure with its significant digits. Empty: it was not measured. */
const figureText = (number: number | null): string => (number === null ? '' : significant(number));

function metricsPanel({ canary: { checks, stable_version: stable }, at }: CanaryData): Html | '' {
  const [newest] = checks;
  if (newest === undefined || newest.metrics.length === 0) return '';
  return panel(
    'metrics',
    'Newest check',
    null,
    html`<p>${clockTime(newest.at, at)} ${verdictBadge(newest.verdict)}</p>
      ${tableOf(
        'Metrics of the newest check',
        ['Metric', 'Verdict', 'Version', stable, 'Why'],
        newest.metrics.map((metric): Cells => [
          metric.name,
          verdictBadge(metric.verdict),
          figureText(metric.version),
          figureText(metric.baseline),
          metric.reason,
        ]),
      )}`,
  );
}

const checksPanel = ({ canary: { checks }, at }: CanaryData): Html =>
  panel(
    'checks',
    'Checks',
    checks.length,
    checks.length === 0
      ? nothing('No check yet: the version is judged once it has traffic.')
      : tableOf(
          'Checks',
          ['Time', 'Share', 'Verdict', 'Why'],
          checks.map((check): Cells => [
            clockTime(check.at, at),
            percent(check.weight),
            verdictBadge(check.verdict),
            check.reasons.join('; '),
          ]),
        ),
  );
