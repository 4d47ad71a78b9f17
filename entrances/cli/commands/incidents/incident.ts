import { FEATURES } from '../../../../features/index.ts';
import type { Command } from 'commander';
import * as z from 'zod';
import { unverifiedText } from '../../../../core/domain/incidents/closing.ts';
import { suspectName } from '../../../../core/domain/changes/change-words.ts';
import { clearingsText } from '../../../../core/domain/changes/cleared-suspects.ts';
import { problemTexts } from '../../../../core/domain/incidents/problem-words.ts';
import { EFFECT_NAMES, effectWords, rollbackOf } from '../../../../core/domain/messages/incident-lines.ts';
import { decisionLines, linesOf } from '../../../../core/domain/messages/decision-lines.ts';
import { mainReasons } from '../../../../core/domain/correlation/ranking.ts';
import { probability, suspectsToShow } from '../../../../core/domain/correlation/words.ts';
import { offerWords } from '../../../../core/domain/rollback/offers.ts';
import { answerNames, questionName } from '../../../../core/domain/rollback/question-names.ts';
import { IncidentStatus, IncidentView } from '../../../../schemas/incidents/incident.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import type { IncidentDetails } from '../../../../schemas/incidents/incident-details.ts';
import { apiCommand, apiGroup, PLACE, tableOf, type Values } from '../../api-command.ts';
import { Client } from '../../client.ts';
import { INCIDENT, incidentNamed, openIncidents, pathOf, shortName } from '../../incident-named.ts';
import { choice, ENVIRONMENT_OPTION, JSON_OPTION, LIMIT_OPTION, SERVICE_OPTION } from '../../options.ts';
import { asJson, oneLine, printTable, printText, shortTime } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';
import { withFoldedPages } from '../../../../core/domain/messages/folded-entries.ts';
import { Timeline } from './timeline-entry.ts';
import { addIncidentActions, rolesOf } from './incident-actions.ts';

/** Commands of features for incidents. */
const FEATURE_COMMANDS = await Promise.all(FEATURES.flatMap(({ incidentCommands }) => incidentCommands?.() ?? []));

/** Puts open incidents first, also those that are older than the listed ones. */
async function openFirst(
  client: Client,
  { items }: IncidentList,
  { status, service, environment, limit }: Values,
): Promise<IncidentList> {
  const scope = {
    ...(typeof service === 'string' && { service }),
    ...(typeof environment === 'string' && { environment }),
  };
  const open = status === undefined ? await openIncidents(client, scope) : [];
  const all = new Map([...open, ...items].map((incident) => [incident.id, incident]));
  return { items: [...all.values()].slice(0, Number(limit)) };
}

/** Returns the state in words. Servers of older versions do not send them. */
const statusText = ({ status_text: words, status }: IncidentView): string => words || status;

/**
 * Returns the state without its explanation, because a table has little room.
 *
 * @example 'open' of 'open: reopened by a person'
 */
const shortStatus = (incident: IncidentView): string => statusText(incident).split(': ', 1)[0] ?? '';

type IncidentList = { items: IncidentView[] };

type ShowOptions = { incident: string; details?: true; json?: true };

const addReads = apiGroup('incident', 'Read incidents and act on them', [
  apiCommand({
    usage: 'list',
    description: 'List incidents, the open ones first, then resolved ones, each newest first',
    options: [
      choice('--status <status>', 'Only this status', IncidentStatus.options),
      SERVICE_OPTION,
      ENVIRONMENT_OPTION,
      LIMIT_OPTION,
      JSON_OPTION,
    ],
    call: 'GET /v1/incidents',
    response: z.object({ items: z.array(IncidentView) }),
    settle: openFirst,
    json: ({ items }) => items,
    print: ({ items }) => [
      tableOf(items, [['NAME', shortName], ['STATUS', shortStatus], PLACE, 'severity', 'opened_at', 'title']),
    ],
  }),
  {
    usage: 'show',
    description: 'Show an incident with its suspects, questions, decisions, effects, and timeline',
    args: [INCIDENT],
    options: [['--details', 'Also show the id, and all reasons of each decision'], JSON_OPTION],
    run: show,
  },
]);

export function addIncident(program: Command, context: CommandContext): void {
  const incident = addReads(program, context);
  addIncidentActions(incident, context);
  for (const addCommands of FEATURE_COMMANDS) addCommands(program, incident, context);
}

async function show(context: CommandContext, { incident: name, details, json }: ShowOptions): Promise<void> {
  const client = await Client.of(context);
  const incident = await incidentNamed(client, name);
  const { items } = await client.get(`${pathOf(incident.id)}/timeline?limit=200`, Timeline);
  const timeline = items.toReversed();
  if (json) return context.out(asJson({ ...incident, timeline }));
  for (const line of incidentText(incident, details === true)) printText(context, line);
  context.out('');
  const rows = withFoldedPages(timeline).flatMap(({ at, actor_name: actor, text }) =>
    text.split('\n').map((line, index) => (index === 0 ? [shortTime(at), actor, line] : ['', '', `  ${line}`])),
  );
  printTable(context, { heading: ['TIME', 'ACTOR', 'EVENT'], rows }, { wraps: true });
}

/** Returns what `incident show` prints about an incident, above its timeline. */
export function incidentText(incident: IncidentDetails, details = false): string[] {
  const all: string[] = [];
  const out = (line: string): void => void all.push(line);
  out(oneLine(`${shortName(incident)}  ${incident.title}`));
  out(`${incident.service} in ${incident.environment}, ${incident.severity}, ${statusText(incident)}`);
  const end = incident.closed_as === 'unverified' ? 'closed' : 'resolved';
  const ended = incident.resolved_at === null ? '' : `, ${end} ${shortTime(incident.resolved_at)}`;
  const { problem_since: later } = incident;
  out(
    `opened ${shortTime(incident.opened_at)}${later === null ? '' : `, present problem since ${shortTime(later)}`}${ended}`,
  );
  if (details) out(`id ${incident.id}`);
  if (incident.closed_as === 'unverified') {
    const { not_reopenable: refusal } = incident;
    out(`${unverifiedText(refusal)}${refusal === null ? `: firebreak incident reopen ${shortName(incident)}` : '.'}`);
  }
  if (incident.part_of !== null) out(`part of  ${incident.part_of}`);
  if (incident.grouped_because !== null) out(oneLine(`grouped  ${incident.grouped_because}`));
  for (const member of incident.members)
    out(
      oneLine(
        `member   ${incidentName(member)}, ${member.service} in ${member.environment}, ${member.severity}, ${member.status_text}${member.asks ? ', needs approval' : ''}: ${member.title}`,
      ),
    );
  for (const why of incident.open_because ?? []) out(oneLine(`open because ${why}`));
  if (incident.status !== 'resolved' || Object.keys(incident.roles).length > 0) out(oneLine(rolesOf(incident)));
  for (const text of problemTexts(incident.earlier_problems)) out(oneLine(text));
  for (const suspect of suspectsToShow(incident.suspects))
    out(
      oneLine(
        `suspect  ${suspectName(suspect)} (${probability(suspect.confidence)}): ${mainReasons(suspect.reasons).join('; ')}`,
      ),
    );
  if (incident.cause !== null) out(oneLine(`cause    ${incident.cause}`));
  if (incident.cleared.length > 0) out(oneLine(`excluded ${clearingsText(incident.cleared)}`));
  for (const decision of incident.decisions) {
    const { id, kind, state } = decision;
    const lines = decisionLines(decision, incident, rollbackOf(decision, incident));
    const [action = '', ...others] = linesOf(lines);
    const head =
      state === 'waiting'
        ? `question ${questionName(id)}, waiting`
        : `decision ${questionName(id)}${details ? `, ${kind}, ${state}` : ''}`;
    for (const line of [`${head}: ${action}`, ...others.map((other) => `  ${other}`)]) out(oneLine(line));
    if (details) for (const detail of lines.details) out(oneLine(`  - ${detail}`));
    if (state === 'waiting')
      for (const { name: answerName, offer } of answerNames(decision))
        if (offer !== undefined) out(oneLine(`  ${answerName}  ${offerWords(offer)}`));
  }
  for (const effect of incident.effects)
    out(oneLine(`effect   ${EFFECT_NAMES[effect.kind]} at ${effect.target}. ${effectWords(effect)}`));
  const isAsking = incident.decisions.some(({ state }) => state === 'waiting');
  if (!isAsking)
    for (const [n, line] of incident.next_step.entries()) out(oneLine(`${n === 0 ? 'next    ' : ' '} ${line}`));
  const answered = isAsking ? shortName(incident) : incident.answer_in;
  if (answered !== null) out(`answer   firebreak incident approve|reject ${answered} NUMBER`);
  return all;
}
