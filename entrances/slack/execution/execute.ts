import type { IncidentId } from '../../../schemas/config/names.ts';
import { placedTitle } from '../../../core/domain/messages/place-names.ts';
import { type ActionName, RUNS } from '../commands/index.ts';
import { verbOf } from '../commands/lookup.ts';
import type { ActionContext, RunVerb, RunIncidentVerb } from '../commands/verb.ts';
import { channelSpan, incidentOfChannel } from './channel.ts';
import type { Command } from './command.ts';
import type { CommandDeps } from '../deps.ts';
import { namedIncident } from './find-incident.ts';
import { type Outcome, withNote } from '../outcome.ts';
import { FEATURES } from '../../../features/index.ts';

/** The functions that execute the verbs of features, by the name of the verb. */
export const FEATURE_RUNS: Readonly<Record<string, RunVerb<never>>> = Object.fromEntries(
  (await Promise.all(FEATURES.flatMap(({ runs }) => runs?.() ?? []))).flatMap(Object.entries),
);

/**
 * Executes a command.
 *
 * @throws Declined, Refusal if it is not executed
 */
export async function execute(deps: CommandDeps, actionContext: ActionContext, command: Command): Promise<Outcome> {
  const verb = verbOf(command.request);
  // A request has the arguments of its verb, which the types of the list don't show.
  const { act } = command.request;
  const run: unknown = act in RUNS ? RUNS[act as ActionName] : FEATURE_RUNS[act];
  if (verb.ofIncident !== true) return (run as RunVerb<object>)(deps, actionContext, command.request, command);
  // What looked like the name of an incident can be the first word of the text; then the request changes.
  const { id, request } = await namedIncident(deps, actionContext.caller, command, verb);
  return withIncidentName(deps, command, id, await (run as RunIncidentVerb<object>)(deps, actionContext, id, request));
}

/** Adds the incident to the answer if the person was not in its channel. */
async function withIncidentName(
  deps: CommandDeps,
  { where }: Command,
  id: IncidentId,
  outcome: Outcome,
): Promise<Outcome> {
  const isChosen = where.incident !== null || where.named !== null;
  if (!isChosen || outcome.answer === null || (await incidentOfChannel(deps, where.channel)) === id) return outcome;
  const incident = await deps.incidents.read(id);
  if (incident === undefined) return outcome;
  const channel = channelSpan(incident);
  return withNote(outcome, [placedTitle(incident), ...(channel === undefined ? [] : [', ', channel])]);
}
