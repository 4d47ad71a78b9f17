import { type Command, Option } from 'commander';
import * as z from 'zod';
import { clearingsText } from '../../../domain/changes/cleared-suspects.ts';
import { suspectsToShow } from '../../../domain/messages/incident-card.ts';
import { withoutSuspectReasons, subjectOf } from '../../../domain/messages/incident-buttons.ts';
import { offerWords } from '../../../domain/rollback/offers.ts';
import { answerNames, questionName } from '../../../domain/rollback/question-names.ts';
import { IncidentStatus, IncidentView, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { Client, queryOf } from '../../client.ts';
import { incidentNamed, pathOf, shortName } from '../../incident-named.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../../options.ts';
import { asJson, oneLine, shortTime, table } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';
import { addIncidentExport } from './incident-export.ts';
import { addPostmortem } from '../postmortems/postmortem.ts';
import { addIncidentActions, rolesOf } from './incident-actions.ts';

const Incidents = z.object({ items: z.array(IncidentView), next_cursor: z.string().nullable() });
/** An older Firebreak returns no `actor_name`: the recorded actor is shown instead. */
const NamedTimelineEntry = TimelineEntry.extend({ actor_name: z.string().optional() }).transform((entry) => ({
  ...entry,
  actor_name: entry.actor_name ?? entry.actor,
}));
const Timeline = z.object({ items: z.array(NamedTimelineEntry) });

type ListOptions = { status?: string; service?: string; limit: number; json?: true };

export function addIncident(program: Command, context: CommandContext): void {
  const incident = program.command('incident').description('Read incidents and act on them');
  incident
    .command('list')
    .description('List incidents, newest first, including resolved ones')
    .addOption(new Option('--status <status>', 'Only this status').choices(IncidentStatus.options))
    .option('--service <name>', 'Only this service')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(context, options));
  incident
    .command('show')
    .description('Show an incident with its suspects, questions, decisions, effects, and timeline')
    .argument('<incident>', 'Channel (incident-2611201 or 2611201), id, or last characters of the id')
    .option(...JSON_OPTION)
    .action((name: string, options: { json?: true }) => show(context, name, options));
  addIncidentActions(incident, context);
  addIncidentExport(incident, context);
  addPostmortem(incident, context);
}

async function list(context: CommandContext, { json, ...query }: ListOptions): Promise<void> {
  const client = await Client.of(context);
  const { items } = await client.get(`/v1/incidents${queryOf(query)}`, Incidents);
  if (json) return context.out(asJson(items));
  const rows = items.map((incident) => [
    incident.id,
    incident.status,
    incident.severity,
    `${incident.service}/${incident.environment}`,
    shortTime(incident.opened_at),
    shortName(incident),
    incident.title,
  ]);
  context.out(table(['ID', 'STATUS', 'SEVERITY', 'SERVICE', 'OPENED', 'NAME', 'TITLE'], rows));
}

async function show(context: CommandContext, name: string, { json }: { json?: true }): Promise<void> {
  const client = await Client.of(context);
  const incident = await incidentNamed(client, name);
  const { items } = await client.get(`${pathOf(incident.id)}/timeline?limit=200`, Timeline);
  const timeline = items.toReversed();
  if (json) return context.out(asJson({ ...incident, timeline }));
  context.out(oneLine(incident.title));
  context.out(`${incident.service} in ${incident.environment}, ${incident.severity}, ${incident.status}`);
  context.out(`opened ${shortTime(incident.opened_at)}, resolved ${shortTime(incident.resolved_at)}`);
  if (Object.keys(incident.roles).length > 0) context.out(oneLine(rolesOf(incident)));
  for (const { version, confidence, reasons } of suspectsToShow(incident.suspects))
    context.out(oneLine(`suspect  ${version} (${confidence}): ${reasons.join('; ')}`));
  if (incident.cleared.length > 0) context.out(oneLine(`cleared  ${clearingsText(incident.cleared)}`));
  for (const decision of incident.decisions) {
    const { id, kind, state } = decision;
    // The reasons of the suspects are already printed above.
    const reasons = incident.suspects.length > 0 ? withoutSuspectReasons(decision).reasons : decision.reasons;
    const why = [...new Set(reasons.map(({ text }) => text))].join('; ');
    context.out(
      oneLine(
        state === 'waiting'
          ? `question ${questionName(id)}, waiting: ${withQuestionMark(subjectOf(decision))} ${why}`
          : `decision ${questionName(id)}, ${kind}, ${state}: ${why}`,
      ),
    );
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
      timeline.map((entry) => [shortTime(entry.at), entry.actor_name, entry.text]),
    ),
  );
}

const withQuestionMark = (subject: string): string => (/[.?!]$/.test(subject) ? subject : `${subject}?`);
