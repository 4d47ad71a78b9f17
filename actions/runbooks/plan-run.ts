import { blankIncident } from '../../domain/incidents/new-incident.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Followed, RunAgain } from '../../domain/ports/runbooks.ts';
import { didYouMean } from '../../domain/runbooks/nearest.ts';
import { permit } from '../../domain/runbooks/permission.ts';
import { type PlannedStep, planOf } from '../../domain/runbooks/plan.ts';
import { resolveText, resolveWith } from '../../domain/runbooks/templates.ts';
import { declarationsOf } from '../../domain/runbooks/walk.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { IncidentId, type EnvironmentName, type ServiceName } from '../../schemas/config/names.ts';
import type { Runbook } from '../../schemas/runbooks/runbook.ts';
import { isOfType } from '../../schemas/runbooks/parts/inputs.ts';
import {
  type InputValues,
  type PlanStep,
  type RunPlan,
  type RunRefusal,
  runId,
} from '../../schemas/runbooks/parts/runs.ts';
import { readAutomation } from '../../workflows/steps/judge.ts';
import { type Context, guardsOf } from '../../workflows/steps/runbook/context.ts';
import { question } from '../../workflows/steps/runbook/prepare.ts';
import { doesWhat } from '../../workflows/steps/runbook/tell.ts';
import { variablesOf } from '../../workflows/steps/runbook/variables.ts';
import { Refusal } from '../refusal.ts';
import { declaredScope } from '../incidents/declared-environment.ts';
import { resolved } from '../incidents/incident-view.ts';
import { planRollback } from '../rollback/plan-rollback.ts';
import type { Who } from '../incidents/acting-person.ts';

/** A requested run. Absent incident: the open one of the service and environment, or a new one. */
export type RequestedRun = {
  runbook: string;
  service?: ServiceName | undefined;
  environment?: EnvironmentName | undefined;
  incident?: IncidentId | undefined;
  inputs: InputValues;
  /** Version of the runbook whose plan was shown. Absent: the current version. */
  version?: string | undefined;
};

/** A plan with the data to start it. */
export type Planned = { plan: RunPlan; place: ServiceEnvironment; followed: Followed & { by: string } };

/**
 * Plans a run of a runbook: its steps, and the reasons that prevent it. Changes nothing.
 *
 * @throws Refusal 403; 404 if the runbook or incident is unknown; 409; 422
 */
export async function planRun(deps: Deps, who: Who, requested: RequestedRun): Promise<Planned> {
  const config = await deps.config.current();
  const runbook = runbookNamed(config, requested.runbook);
  if (requested.version !== undefined && requested.version !== runbook.version)
    throw new Refusal(409, 'runbook-changed', `the runbook ${runbook.name} has changed; check its plan again`);
  const incident = await incidentOf(deps, requested);
  const place = placeOf(config, requested, incident);
  who.allow('incidents:act', place);
  const open = incident ?? (await deps.incidents.openAt(place));
  refuseUnfit(config, runbook, place);
  const inputs = checked(runbook, requested.inputs);
  const alert = open && (await newestAlert(deps, open.id));
  const followed = {
    runbook,
    labels: alert?.labels ?? [],
    annotations: alert?.annotations ?? [],
    by: who.name,
    ...(Object.keys(inputs).length > 0 && { inputs }),
  };
  return planFollowed(deps, who, { place, followed, incident: open });
}

/** Plans a run of a given runbook. */
export async function planFollowed(
  deps: Deps,
  who: Who,
  {
    place,
    followed,
    incident,
  }: { place: ServiceEnvironment; followed: Followed & { by: string }; incident: IncidentRecord | undefined },
): Promise<Planned> {
  const { runbook, inputs = {}, again } = followed;
  const at = incident ?? (await imagined(deps, place, runbook));
  const variables = await variablesOf(deps, at, followed, again?.done ?? {});
  const steps: PlanStep[] = [];
  for (const step of planOf(runbook).steps)
    steps.push(await planStep(deps, who, { incident: at, place, followed, step, variables }, again));
  const plan: RunPlan = {
    runbook: runbook.name,
    title: runbook.title,
    version: runbook.version,
    ...place,
    incident_id: incident?.id ?? null,
    inputs,
    steps,
    refused: await whyNotNow(deps, runbook, incident),
  };
  return { plan, place, followed };
}

function runbookNamed({ runbooks: { runbooks } }: Config, name: string): Runbook {
  const found = runbooks.find((runbook) => runbook.name === name);
  if (found !== undefined) return found;
  const meant = didYouMean(
    name,
    runbooks.map((runbook) => runbook.name),
  );
  throw new Refusal(404, 'unknown-runbook', `there is no runbook ${name}${meant === null ? '' : `; ${meant}`}`);
}

export const runbookOf = async ({ config }: Pick<Deps, 'config'>, name: string): Promise<Runbook> =>
  runbookNamed(await config.current(), name);

async function incidentOf(
  { incidents }: Pick<Deps, 'incidents'>,
  { incident: id }: RequestedRun,
): Promise<IncidentRecord | undefined> {
  if (id === undefined) return undefined;
  const found = await incidents.read(id);
  if (found === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  if (found.status === 'resolved') throw resolved(id);
  if (found.group_reason === undefined) return found;
  const why = `incident ${id} is a group and has no service to change; name one of its child incidents`;
  throw new Refusal(409, 'runbook-not-here', why);
}

function placeOf(
  { services }: Config,
  { service, environment }: RequestedRun,
  incident: IncidentRecord | undefined,
): ServiceEnvironment {
  if (incident === undefined) {
    if (service !== undefined) return declaredScope(services, { service, environment });
    throw new Refusal(422, 'invalid', 'json: "service" or "incident_id" is required');
  }
  const there = { service: incident.service, environment: incident.environment };
  if ((service ?? there.service) === there.service && (environment ?? there.environment) === there.environment)
    return there;
  const where = `${there.service} in ${there.environment}`;
  throw new Refusal(
    422,
    'invalid',
    `json: incident ${incident.id} belongs to ${where}, not to the service or environment in the request`,
  );
}

/** Refuses a runbook without steps, one for other services or environments, and unknown services. */
function refuseUnfit({ services }: Config, runbook: Runbook, { service, environment }: ServiceEnvironment): void {
  const entry = serviceEntry(services, service);
  const known = entry !== undefined && Object.hasOwn(entry.environments, environment);
  if (!known)
    throw new Refusal(422, 'unknown-place', `${service} in ${environment} is not in the catalogue; see services.yaml`);
  if (runbook.steps.length === 0)
    throw new Refusal(
      422,
      'runbook-without-steps',
      `the runbook ${runbook.name} has no steps to run; it is documentation`,
    );
  const others = (only: readonly string[] | undefined, name: string) => only !== undefined && !only.includes(name);
  if (others(runbook.services, service) || others(runbook.environments, environment))
    throw new Refusal(
      422,
      'runbook-not-here',
      `the runbook ${runbook.name} is not for ${service} in ${environment} (see "services" and "environments" in ${runbook.file})`,
    );
}

function checked(runbook: Runbook, given: InputValues): InputValues {
  const wrong = (why: string): Refusal => new Refusal(422, 'invalid', `json: inputs: ${why}`);
  const known = Object.keys(runbook.inputs);
  for (const [name, value] of Object.entries(given)) {
    const input = Object.hasOwn(runbook.inputs, name) ? runbook.inputs[name] : undefined;
    const meant = didYouMean(name, known);
    if (input === undefined) throw wrong(`the runbook has no input "${name}"${meant === null ? '' : `; ${meant}`}`);
    if (!isOfType(value, input.type)) throw wrong(`"${name}" must be of type ${input.type}`);
  }
  const missing = known.filter((name) => runbook.inputs[name]?.required === true && !Object.hasOwn(given, name));
  if (missing.length > 0) throw wrong(`"${missing.join('", "')}" is required`);
  return given;
}

async function newestAlert({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId) {
  const { items } = await incidents.signals(id, { limit: 50 });
  return items.find(({ status }) => status === 'firing');
}

/** Returns the incident that would be opened for the run. */
const imagined = async (
  { clock }: Pick<Deps, 'clock'>,
  place: ServiceEnvironment,
  { title }: Runbook,
): Promise<IncidentRecord> => ({
  ...blankIncident,
  ...place,
  id: IncidentId.parse('0'.repeat(26)),
  title: titleFor(title),
  severity: 'warning',
  opened_at: clock.now(),
  trace: '',
});

export const titleFor = (title: string): string => `Runbook: ${title}`;

async function whyNotNow(deps: Deps, { name }: Runbook, incident: IncidentRecord | undefined): Promise<RunRefusal[]> {
  const { guard } = await readAutomation(deps);
  const running = incident && (await deps.runbooks.of(incident.id)).find((run) => run.name === name && !run.done);
  const refused: RunRefusal[] = [];
  if (guard.state === 'unreadable')
    refused.push({ code: 'guard-unreadable', text: `the kill switch could not be read: ${guard.detail}` });
  else if (guard.paused)
    refused.push({
      code: 'automation-paused',
      text: 'the kill switch is on: first PUT /v1/automation {"paused": false}',
    });
  if (incident !== undefined && running !== undefined) {
    const text = `run ${runId(incident.id, running.number)} of this runbook is in progress`;
    refused.push({ code: 'run-in-progress', text });
  }
  return refused;
}

type At = Pick<Context, 'incident' | 'place' | 'followed' | 'step' | 'variables'>;

async function planStep(deps: Deps, who: Who, at: At, again: RunAgain | undefined): Promise<PlanStep> {
  const { step, followed, variables } = at;
  const declared = declarationsOf(followed.runbook);
  const context: Context = { ...at, declared, inverse: null, name: resolveText(step.name, declared, variables) };
  const found = resolveWith({ uses: step.uses, with: step.with }, declared, variables);
  const given = found.ok ? found.value : step.with;
  const guards = await guardsOf(deps, context);
  const permission = permit(guards);
  const only = step.uses === 'approve';
  const asks = only || (step.mutating && permission.kind === 'ask');
  const ask = asks ? await question(deps, context, guards, '') : null;
  const limited = step.mutating && permission.kind !== 'act' ? permission.reasons : [];
  const { id, uses, when, timeoutSeconds, onFailure, inverse } = step;
  return {
    id,
    name: context.name,
    uses,
    does: uses === 'rollback' ? await rollbackWords(deps, who, at.place) : wordsOf(step, given),
    target: await targetOf(deps, at, given),
    changes_production: step.mutating,
    when,
    approval: ask && {
      needed: ask.approvals,
      given: ask.given ?? [],
      people: ask.people === null ? null : [...ask.people],
    },
    reasons: ask === null ? limited : ask.reasons,
    timeout_s: timeoutSeconds,
    on_failure: onFailure,
    inverse: inverse?.uses ?? null,
    done: again?.done[id] !== undefined,
  };
}

function wordsOf({ uses, mutating }: PlannedStep, given: object): string {
  const values = new Map(Object.entries(given).map(([key, value]) => [key, JSON.stringify(value)]));
  const word = (...keys: string[]) => keys.map((key) => values.get(key)).find((value) => value !== undefined);
  if (uses === 'scale') {
    const how = ['to', 'by', 'factor'].flatMap((key) => (values.has(key) ? [`${key} ${values.get(key)}`] : []));
    return `scale ${how.join(' ')}, at most ${values.get('ceiling')} instances`;
  }
  if (mutating || uses === 'http') return doesWhat(uses, given, null);
  const text = word('text', 'title', 'note', 'promql', 'cel', 'for');
  return text === undefined ? uses : `${uses}: ${text.replace(/^"(.*)"$/s, '$1')}`;
}

async function rollbackWords(deps: Deps, who: Who, place: ServiceEnvironment): Promise<string> {
  const { live, way: target } = await planRollback(deps, who, place);
  if (live === undefined) return 'roll back; the running version is unknown';
  return target?.kind === 'version'
    ? `roll back ${live.version} to ${target.version}`
    : `roll back ${live.version}; there is no version to roll back to`;
}

/** Describes the target of a step, from the configuration only, because planning requires no secrets of vendors. */
async function targetOf(deps: Deps, { place, step }: At, given: object): Promise<string | null> {
  const { url, channel, repository } = given as { url?: string; channel?: string; repository?: string };
  const entry = serviceEntry((await deps.config.current()).services, place.service);
  const here = entry?.environments[place.environment];
  const by = (what: string, config: { kind: string } | undefined): string =>
    config === undefined ? `no ${what} is configured` : `${place.service} in ${place.environment} (${config.kind})`;
  switch (step.uses) {
    case 'rollback':
    case 'scale':
    case 'restart':
      return by('deployer', here?.deployer);
    case 'flag.disable':
    case 'flag.enable':
      return by('flag service', here?.flags);
    case 'http':
      return new URL((url ?? '').replaceAll(/\$\{\{.*?\}\}/gs, 'x')).origin;
    case 'slack.post':
      return channel ?? 'the channel of the incident';
    case 'ticket':
      return repository ?? entry?.repository ?? 'no repository is configured';
    case 'page':
      return 'the pager';
    case 'note':
    case 'approve':
    case 'verify':
    case 'wait':
    case 'wait.until':
      return null;
  }
}
