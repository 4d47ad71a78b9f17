import type { Watch, WatchCheck, WatchOutcome } from '../../../../schemas/judge/watch.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { html } from 'hono/html';
import { ago, type Cells, clockTime, type Html, line, onDemand, panel, tableOf } from '../../parts.ts';

/** Shows the newest watches of deploys, with their checks. Empty: none. */
export function watchesPanel(watches: readonly Watch[], at: Timestamp): Html | '' {
  if (watches.length === 0) return '';
  return panel(
    'watches',
    'Watches of deploys',
    watches.length,
    html`<ul class="rows">
      ${watches.map((watch) => html`<li>${watchOf(watch, at)}</li>`)}
    </ul>`,
  );
}

const BADGES: Readonly<Record<WatchOutcome, string>> = {
  healthy: '',
  degraded: 'critical',
  inconclusive: 'warning',
  superseded: '',
  stopped: '',
};

/** Shows the outcome of a watch beside its deploy. */
export const watchBadge = ({ outcome }: Watch): Html =>
  outcome === null
    ? html`<span class="badge">watched</span>`
    : html`<span class="badge ${BADGES[outcome]}">watch: ${outcome}</span>`;

function watchOf(watch: Watch, at: Timestamp): Html {
  const { id, version, environment, baseline, outcome, reason, startup, checks, checks_planned: planned } = watch;
  const state =
    outcome === null
      ? html`<span class="badge">check ${checks.length + 1} of ${planned}</span>`
      : html`<span class="badge ${BADGES[outcome]}">${outcome}</span>`;
  return html`<h3>
      <span class="version">${version}</span> <span class="place">${environment}</span> ${state}
      ${startup.slow ? html`<span class="badge warning">slow start</span>` : ''}
    </h3>
    <dl class="lines">
      ${line('Started', ago(watch.started_at, at))} ${baseline === null ? '' : line('Version before', baseline)}
      ${reason === null ? '' : line('Result', reason)}
      ${
        startup.slow
          ? line(
              'Start-up',
              `${startup.seconds === null ? 'not measured so far' : `${Math.round(startup.seconds)} s`}; at most ${startup.max_seconds} s are expected`,
            )
          : ''
      }
    </dl>
    ${
      checks.length === 0
        ? ''
        : onDemand(
            `checks-${id}`,
            `${checks.length} of ${planned} checks`,
            tableOf(
              `Checks of ${version}`,
              ['Check', 'Due', 'Verdict', 'Why'],
              checks.map((check) => cellsOf(check, at)),
            ),
          )
    }`;
}

const cellsOf = ({ number, due_at, verdict, reasons }: WatchCheck, at: Timestamp): Cells => [
  String(number),
  clockTime(due_at, at),
  html`<span class="badge ${verdict === 'missed' ? 'warning' : BADGES[verdict]}">${verdict}</span>`,
  reasons.join('; '),
];
