import type { IncidentView, TimelineEntry } from '../schemas/incident.ts';
import { millisOf } from '../schemas/time.ts';
import type { Stage } from './stage.ts';
import type { Fact } from './stories/story.ts';
import { oneLine, stampOf, type Teller, WIDTH, wrap } from './teller.ts';

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

/** Room for the longest kind of entry that is usual, `page-resolve.succeeded`. */
const KIND = 22;

/** Prints what came of it: whether all is as it has to be, how long it took and why, and all that was written down. */
export async function tellEnding(stage: Stage, facts: readonly Fact[]): Promise<void> {
  const { teller } = stage;
  teller.write('\nWhat has to be so at the end', 'bold');
  for (const { text, holds } of facts) paragraph(teller, holds ? '✓' : '✗', text, holds ? 'green' : 'red');
  const incidents = await stage.incidents();
  for (const incident of incidents.filter(({ parent_id }) => parent_id === null))
    tellIncident(teller, incident, await stage.timeline(incident));
  tellParts(
    teller,
    incidents.filter(({ parent_id }) => parent_id !== null),
  );
}

function tellIncident(teller: Teller, incident: IncidentView, timeline: readonly TimelineEntry[]): void {
  const { id, service, severity, status, suspects } = incident;
  teller.write(`\nIncident ${id}: ${service}, ${severity}, ${status}`, 'bold');
  const reached = MILESTONES.flatMap(([name, kind]) => {
    const entry = timeline.find((one) => one.kind === kind);
    return entry === undefined ? [] : [`${name} ${secondsSince(teller.zero, entry)}`];
  });
  paragraph(teller, ' ', ['alert', ...reached].join(' → '));
  for (const { version, confidence, reasons } of suspects)
    paragraph(teller, ' ', `suspect ${version}, confidence ${confidence}: ${reasons.join('; ')}`);
  teller.write('');
  for (const entry of timeline) tellEntry(teller, entry);
}

/** ` 0.3 s`, from the first alert on. */
const secondsSince = (zero: number | null, { at }: TimelineEntry): string =>
  `${((millisOf(at) - (zero ?? millisOf(at))) / 1000).toFixed(1)}\u00a0s`; // not to be parted by a line's end

function tellEntry(teller: Teller, { at, kind, actor, text }: TimelineEntry): void {
  const stamp = stampOf(millisOf(at), teller.zero);
  const indent = ' '.repeat(2 + stamp.length + 2 + KIND + 2);
  const by = actor === 'firebreak' || actor === 'alerts' ? '' : ` (${actor})`;
  const [first, ...rest] = wrap(oneLine(text) + by, WIDTH - indent.length);
  const head = `  ${teller.style(stamp, 'dim')}  ${teller.style(kind.padEnd(KIND), 'cyan')}  `;
  teller.write([head + first, ...rest.map((line) => indent + line)].join('\n'));
}

/** A row each, as in the parent's channel. */
function tellParts(teller: Teller, parts: readonly IncidentView[]): void {
  if (parts.length === 0) return;
  teller.write('\nIts parts, each an incident with a timeline of its own', 'bold');
  for (const { service, status, decisions } of parts) {
    const decision = decisions.at(-1);
    const judged = decision === undefined ? 'not judged' : `${decision.kind}: ${decision.reasons[0]?.text ?? ''}`;
    const row = `  ${service.padEnd(13)} ${status.padEnd(9)} ${judged}`;
    teller.write(row.length > WIDTH ? `${row.slice(0, WIDTH - 1)}…` : row);
  }
}

function paragraph(teller: Teller, mark: string, text: string, style: 'reset' | 'green' | 'red' = 'reset'): void {
  const lines = wrap(text, WIDTH - 4);
  teller.write(lines.map((line, index) => `  ${index === 0 ? mark : ' '} ${line}`).join('\n'), style);
}

/** Where to look around. @param stays whether Firebreak goes on running */
export async function tellLinks(stage: Stage, { stays, kept }: { stays: boolean; kept: boolean }): Promise<void> {
  const { teller, firebreak } = stage;
  const { url, adminToken, port, dataDir, configDir } = firebreak;
  const incident = (await stage.incidents()).find(({ parent_id }) => parent_id === null);
  teller.write(stays ? '\nLook around' : '\nWhere to look around while it runs', 'bold');
  teller.write(`  ${url}/sandbox       what each vendor shows`);
  teller.write(`  ${url}/openapi.json  the whole API`);
  if (incident !== undefined) {
    teller.write(`  ${url}/v1/incidents/${incident.id}`);
    teller.write(`  ${url}/v1/incidents/${incident.id}/timeline`);
    teller.write(`  the last two with -H 'authorization: Bearer ${adminToken}'`);
  }
  if (kept) {
    teller.write('\nStart Firebreak again on the data of this story', 'bold');
    teller.write(`  PORT=${port} FIREBREAK_DATA_DIR=${dataDir} \\\n  FIREBREAK_CONFIG_DIR=${configDir} npm start`);
  }
  if (stays) teller.write('\nCtrl-C ends it.', 'bold');
  else if (!kept)
    teller.write('\nIt ends here; in a terminal it stays until Ctrl-C, and --keep keeps its data.', 'dim');
}
