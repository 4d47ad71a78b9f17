import { FEATURES } from '../../../features/index.ts';
import type { Command } from 'commander';
import * as z from 'zod';
import { clearingsText } from '../../../domain/changes/cleared-suspects.ts';
import { rollbackOf, suspectsToShow } from '../../../domain/messages/incident-card.ts';
import { decisionLines, linesOf } from '../../../domain/messages/decision-lines.ts';
import { probability } from '../../../domain/correlation/words.ts';
import { offerWords } from '../../../domain/rollback/offers.ts';
import { answerNames, questionName } from '../../../domain/rollback/question-names.ts';
import { IncidentStatus, IncidentView, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { addApiCommands, listOf, PLACE } from '../../api-command.ts';
import { Client } from '../../client.ts';
import { incidentNamed, pathOf, shortName } from '../../incident-named.ts';
import { choice, JSON_OPTION, LIMIT_OPTION, SERVICE_OPTION } from '../../options.ts';
import { asJson, oneLine, shortTime, table } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';
import { addIncidentActions, rolesOf } from './incident-actions.ts';

/** Commands of features for incidents. */
const FEATURE_COMMANDS = await Promise.all(FEATURES.flatMap(({ incidentCommands }) => incidentCommands?.() ?? []));

/** An older Firebreak returns no `actor_name`: the recorded actor is shown instead. */
const NamedTimelineEntry = TimelineEntry.extend({ actor_name: z.string().optional() }).transform((entry) => ({
  ...entry,
  actor_name: entry.actor_name ?? entry.actor,
}));
const Timeline = z.object({ items: z.array(NamedTimelineEntry) });

type ShowOptions = { details?: true; json?: true };

export function addIncident(program: Command, context: CommandContext): void {
  const incident = program.command('incident').description('Read incidents and act on them');
  addApiCommands(incident, context, [
    {
      usage: 'list',
      description: 'List incidents, newest first, including resolved ones',
      options: [
        choice('--status <status>', 'Only this status', IncidentStatus.options),
        SERVICE_OPTION,
        LIMIT_OPTION,
        JSON_OPTION,
      ],
      ...listOf('/v1/incidents', IncidentView, [
        'id',
        'status',
        'severity',
        PLACE,
        'opened_at',
        ['NAME', shortName],
        'title',
      ]),
    },
  ]);
  incident
    .command('show')
    .description('Show an incident with its suspects, questions, decisions, effects, and timeline')
    .argument('<incident>', 'Channel (incident-2611201 or 2611201), id, or last characters of the id')
    .option('--details', 'Also show all reasons of each decision')
    .option(...JSON_OPTION)
    .action((name: string, options: ShowOptions) => show(context, name, options));
  addIncidentActions(incident, context);
  for (const addCommands of FEATURE_COMMANDS) addCommands(program, incident, context);
}

async function show(context: CommandContext, name: string, { details, json }: ShowOptions): Promise<void> {
  const client = await Client.of(context);
  const incident = await incidentNamed(client, name);
  const { items } = await client.get(`${pathOf(incident.id)}/timeline?limit=200`, Timeline);
  const timeline = items.toReversed();
  if (json) return context.out(asJson({ ...incident, timeline }));
  context.out(oneLine(incident.title));
  context.out(`${incident.service} in ${incident.environment}, ${incident.severity}, ${incident.status}`);
  context.out(`opened ${shortTime(incident.opened_at)}, resolved ${shortTime(incident.resolved_at)}`);
  for (const why of incident.open_because ?? []) context.out(oneLine(`open because ${why}`));
  if (Object.keys(incident.roles).length > 0) context.out(oneLine(rolesOf(incident)));
  for (const { version, confidence, reasons } of suspectsToShow(incident.suspects))
    context.out(oneLine(`suspect  ${version} (${probability(confidence)}): ${reasons.slice(0, 1).join('')}`));
  if (incident.cleared.length > 0) context.out(oneLine(`cleared  ${clearingsText(incident.cleared)}`));
  for (const decision of incident.decisions) {
    const { id, kind, state } = decision;
    const lines = decisionLines(decision, incident, rollbackOf(decision, incident));
    const [action = '', ...others] = linesOf(lines);
    const head =
      state === 'waiting' ? `question ${questionName(id)}, waiting` : `decision ${questionName(id)}, ${kind}, ${state}`;
    for (const line of [`${head}: ${action}`, ...others.map((other) => `  ${other}`)]) context.out(oneLine(line));
    if (details) for (const detail of lines.details) context.out(oneLine(`  - ${detail}`));
    if (state === 'waiting')
      for (const { name: answerName, offer } of answerNames(decision))
        if (offer !== undefined) context.out(oneLine(`  ${answerName}  ${offerWords(offer)}`));
  }
  for (const { kind, state, target, detail } of incident.effects)
    context.out(oneLine(`effect   ${kind} at ${target}, ${state}: ${detail}`));
  if (incident.decisions.some(({ state }) => state === 'waiting'))
    context.out(`answer   firebreak incident approve|reject ${shortName(incident)} NUMBER`);
  context.out('');
  context.out(
    table(
      ['TIME', 'ACTOR', 'EVENT'],
      timeline.flatMap(({ at, actor_name: actor, text }) =>
        text.split('\n').map((line, index) => (index === 0 ? [shortTime(at), actor, line] : ['', '', `  ${line}`])),
      ),
    ),
  );
}
