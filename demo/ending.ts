import type { IncidentView, TimelineEntry } from '../schemas/incident.ts';
import { millisOf } from '../schemas/time.ts';
import type { Stage } from './stage.ts';
import type { Fact } from './stories/story.ts';
import { oneLine, stampOf, wrap } from './teller.ts';

const WIDTH = 100;

/** What the times of an incident are called, by the kind of the first entry that tells of each. */
const MILESTONES: readonly [name: string, kind: string][] = [
  ['paged', 'page.succeeded'],
  ['decided', 'decision'],
  ['approved', 'decision.approved'],
  ['rolling back', 'rollback.started'],
  ['rolled back', 'mitigation.succeeded'],
  ['alerts ended', 'alerts.resolved'],
  ['verified', 'verification.passed'],
  ['resolved', 'incident.resolved'],
];

/** Prints what came of it: whether it was as it has to be, how long it took, why, and all that was written down. */
export async function tellEnding(stage: Stage, facts: readonly Fact[]): Promise<void> {
  const { teller } = stage;
  teller.write('');
  for (const { text, holds } of facts) {
    const [first = '', ...rest] = wrap(text, WIDTH - 4);
    teller.write(`  ${holds ? '✓' : '✗'} ${[first, ...rest].join('\n    ')}`, holds ? 'green' : 'red');
  }
  const incidents = await stage.incidents();
  const main = incidents.filter(({ parent_id }) => parent_id === null);
  const children = incidents.filter(({ parent_id }) => parent_id !== null);
  for (const incident of main) tellIncident(stage, incident, await stage.timeline(incident));
  if (children.length > 0) tellChildren(stage, children);
}

function tellIncident({ teller }: Stage, incident: IncidentView, timeline: readonly TimelineEntry[]): void {
  const { service, severity, status, suspects } = incident;
  teller.write('');
  teller.write(`Incident ${incident.id}: ${service}, ${severity}, ${status}`, 'bold');
  const reached = MILESTONES.flatMap(([name, kind]) => {
    const entry = timeline.find((one) => one.kind === kind);
    return entry === undefined ? [] : [`${name} ${secondsSince(millisOf(entry.at), teller.zero)}`];
  });
  paragraph(stageWriter(teller), `alert → ${reached.join(' → ')}`);
  for (const { version, confidence, reasons } of suspects)
    paragraph(stageWriter(teller), `suspect ${version}, confidence ${confidence}: ${reasons.join('; ')}`);
  teller.write('');
  for (const { at, kind, actor, text } of timeline) {
    const by = actor === 'firebreak' || actor === 'alerts' ? '' : `, by ${actor}`;
    const [first = '', ...rest] = wrap(oneLine(text) + by, WIDTH - TIMELINE_INDENT.length);
    const head = `  ${teller.style(stampOf(millisOf(at), teller.zero), 'dim')}  ${teller.style(kind.padEnd(KIND), 'cyan')}`;
    teller.write([`${head}  ${first}`, ...rest.map((line) => TIMELINE_INDENT + line)].join('\n'));
  }
}

/** The longest kind that is usual, `page-resolve.succeeded`. */
const KIND = 22;
const TIMELINE_INDENT = ' '.repeat(2 + 8 + 2 + KIND + 2);

/** Each in a row, as Slack's summary has them. */
function tellChildren({ teller }: Stage, children: readonly IncidentView[]): void {
  teller.write('');
  teller.write(`Parts of it, each an incident with a timeline of its own`, 'bold');
  for (const { service, status, decisions } of children) {
    const decision = decisions.at(-1);
    const text = `${service.padEnd(14)}${status.padEnd(10)}${decision?.reasons[0]?.text ?? 'not judged'}`;
    teller.write(text.length > WIDTH - 2 ? `  ${text.slice(0, WIDTH - 3)}…` : `  ${text}`);
  }
}

const stageWriter =
  ({ write, ...teller }: Stage['teller']) =>
  (text: string) =>
    write.call(teller, text);
