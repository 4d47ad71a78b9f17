import type { IncidentView, TimelineEntry } from '../../schemas/incidents/incident.ts';
import * as z from 'zod';
import { millisOf } from '../../schemas/time/time.ts';
import type { Stage } from './stage.ts';
import type { Fact } from './stories/plan.ts';
import { oneLine, stampOf, type Narrator, WIDTH, wrap } from './narrator.ts';

/** Names of an incident's milestones, with the timeline kind whose first entry marks each. */
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

/** What is printed of a post-mortem. */
const Postmortem = z.object({
  title: z.string(),
  sections: z.array(z.object({ heading: z.string(), text: z.string() })),
  action_items: z.array(z.object({ title: z.string() })),
  filled: z.object({ by_rule: z.number(), of: z.number(), share: z.number() }),
});

/** Column width for the longest common kind, `page-resolve.succeeded`. */
const KIND_WIDTH = 22;

/** Prints the result: expected facts, milestones with times, suspects, and the timeline. */
export async function printSummary(stage: Stage, facts: readonly Fact[]): Promise<void> {
  const { narrator } = stage;
  narrator.write('\nExpected results', 'bold');
  for (const { text, holds } of facts) paragraph(narrator, holds ? '✓' : '✗', text, holds ? 'green' : 'red');
  const incidents = await stage.incidents();
  for (const incident of incidents.filter(({ parent_id }) => parent_id === null)) {
    printIncident(narrator, incident, await stage.timeline(incident));
    printPostmortem(narrator, await stage.firebreak.get(`/v1/incidents/${incident.id}/postmortem`, Postmortem));
  }
  printChildren(
    narrator,
    incidents.filter(({ parent_id }) => parent_id !== null),
  );
}

function printIncident(narrator: Narrator, incident: IncidentView, timeline: readonly TimelineEntry[]): void {
  const { id, number, service, severity, status, suspects } = incident;
  narrator.write(`\n${number === null ? id : `INC-${number}`}: ${service}, ${severity}, ${status}`, 'bold');
  const reached = MILESTONES.flatMap(([name, kind]) => {
    const entry = timeline.find((one) => one.kind === kind);
    return entry === undefined ? [] : [`${name} ${secondsSince(narrator.firstAlertAt, entry)}`];
  });
  paragraph(narrator, ' ', ['alert', ...reached].join(' → '));
  for (const { version, confidence, reasons } of suspects)
    paragraph(narrator, ' ', `suspect ${version}, confidence ${confidence}: ${reasons.join('; ')}`);
  narrator.write('');
  for (const entry of timeline) printEntry(narrator, entry);
}

/** Prints the draft of the post-mortem: its title, its summary, and its action items. */
function printPostmortem(
  narrator: Narrator,
  { title, sections, action_items, filled }: z.infer<typeof Postmortem>,
): void {
  narrator.write(`\nPost-mortem, drafted from the record: ${oneLine(title)}`, 'bold');
  const summary = sections.find(({ heading }) => heading === 'Summary')?.text ?? '';
  paragraph(narrator, ' ', oneLine(unescaped(summary)));
  for (const item of action_items) paragraph(narrator, '☐', oneLine(unescaped(item.title)));
  const share = Math.round(filled.share * 100);
  paragraph(
    narrator,
    ' ',
    `${filled.by_rule} of ${filled.of} fields (${share} %) are filled from the record; the others are questions.`,
  );
}

/** Removes the backslashes of Markdown, which a terminal does not need. */
const unescaped = (text: string): string => text.replaceAll(/\\([\\`*_[\]<>|~#])/g, '$1');

/** Returns seconds since the first alert, such as `0.3 s`. */
const secondsSince = (zero: number | null, { at }: TimelineEntry): string =>
  `${((millisOf(at) - (zero ?? millisOf(at))) / 1000).toFixed(1)}\u00a0s`; // no line break before the unit

function printEntry(narrator: Narrator, { at, kind, actor, text }: TimelineEntry): void {
  const stamp = stampOf(millisOf(at), narrator.firstAlertAt);
  const indent = ' '.repeat(2 + stamp.length + 2 + KIND_WIDTH + 2);
  const by = actor === 'firebreak' || actor === 'alerts' ? '' : ` (${actor})`;
  const [first, ...rest] = wrap(oneLine(text) + by, WIDTH - indent.length);
  const head = `  ${narrator.style(stamp, 'dim')}  ${narrator.style(kind.padEnd(KIND_WIDTH), 'cyan')}  `;
  narrator.write([head + first, ...rest.map((line) => indent + line)].join('\n'));
}

/** Prints one row for each child incident, as in the parent's channel. */
function printChildren(narrator: Narrator, children: readonly IncidentView[]): void {
  if (children.length === 0) return;
  narrator.write('\nChild incidents, each with its own timeline', 'bold');
  for (const { service, status, decisions } of children) {
    const decision = decisions.at(-1);
    const judged = decision === undefined ? 'not judged' : `${decision.kind}: ${decision.reasons[0]?.text ?? ''}`;
    const row = `  ${service.padEnd(13)} ${status.padEnd(9)} ${judged}`;
    narrator.write(row.length > WIDTH ? `${row.slice(0, WIDTH - 1)}…` : row);
  }
}

function paragraph(narrator: Narrator, mark: string, text: string, style: 'reset' | 'green' | 'red' = 'reset'): void {
  const lines = wrap(text, WIDTH - 4);
  narrator.write(lines.map((line, index) => `  ${index === 0 ? mark : ' '} ${line}`).join('\n'), style);
}

/** Prints links to explore the result. @param stays whether Firebreak keeps running */
export async function printLinks(stage: Stage, { stays, kept }: { stays: boolean; kept: boolean }): Promise<void> {
  const { narrator, firebreak } = stage;
  const { url, adminToken, port, dataDir, configDir } = firebreak;
  const incident = (await stage.incidents()).find(({ parent_id }) => parent_id === null);
  narrator.write(stays ? '\nExplore' : '\nLinks that work while the demo runs', 'bold');
  narrator.write(`  ${url}/sandbox       the vendors' views`);
  narrator.write(`  ${url}/openapi.json  the API description`);
  if (incident !== undefined) {
    narrator.write(`  ${url}/v1/incidents/${incident.id}`);
    narrator.write(`  ${url}/v1/incidents/${incident.id}/timeline`);
    narrator.write(`  The last two need -H 'authorization: Bearer ${adminToken}'`);
  }
  if (kept) {
    narrator.write('\nStart Firebreak again with the data of this story', 'bold');
    narrator.write(`  PORT=${port} FIREBREAK_DATA_DIR=${dataDir} \\\n  FIREBREAK_CONFIG_DIR=${configDir} npm start`);
  }
  if (stays) narrator.write('\nPress Ctrl-C to exit.', 'bold');
  else if (!kept)
    narrator.write('\nThe demo exits now. In a terminal it runs until Ctrl-C; --keep keeps its data.', 'dim');
}
