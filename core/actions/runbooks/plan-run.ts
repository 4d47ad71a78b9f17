import { incidentName } from '../../domain/incidents/incident-number.ts';
import { blankIncident } from '../../domain/incidents/new-incident.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { SelectedRunbook, ContinuedRun } from '../../domain/ports/runbooks.ts';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import { permit } from '../../domain/runbooks/permission.ts';
import { type PlannedStep, planOf } from '../../domain/runbooks/plan.ts';
import { resolveText, resolveWith } from '../../domain/runbooks/templates.ts';
import { declarationsOf } from '../../domain/runbooks/located-steps.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { IncidentId, type EnvironmentName, type ServiceName } from '../../../schemas/config/names.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { isOfType } from '../../../schemas/runbooks/parts/inputs.ts';
import {
  type InputValues,
  type PlanStep,
  type RunPlan,
  type RunRefusal,
  runId,
} from '../../../schemas/runbooks/parts/runs.ts';
import { readAutomation } from '../../../workflows/steps/judge-incident.ts';
import { type StepContext, guardsOf } from '../../../workflows/steps/runbook/context.ts';
import { question } from '../../../workflows/steps/runbook/prepare.ts';
import { configuredRoute } from '../../../workflows/steps/runbook/reroute.ts';
import { describeStep } from '../../../workflows/steps/runbook/step-texts.ts';
import { variablesOf } from '../../../workflows/steps/runbook/variables.ts';
import { Refusal } from '../../domain/refusal.ts';
import { declaredScope } from '../incidents/declared-environment.ts';
import { inConfiguredSpelling } from '../../domain/catalogue/known-names.ts';
import { incidentResolved } from '../incidents/require-incident.ts';
import { planRollback, type PlanDeps as RollbackPlanDeps } from '../rollback/plan-rollback.ts';
import type { Caller } from '../people/caller.ts';

export type PlanDeps = RollbackPlanDeps & Pick<Deps, 'automation' | 'decisions' | 'effects' | 'runbooks'>;

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
export type Planned = {
  plan: RunPlan;
  serviceEnvironment: ServiceEnvironment;
  selected: SelectedRunbook & { by: string };
};

/**
 * Plans a run of a runbook: its steps, and the reasons that prevent it. Changes nothing.
 *
 * @throws Refusal 403; 404 if the runbook or incident is unknown; 409; 422
 */
export async function planRun(deps: PlanDeps, caller: Caller, requested: RequestedRun): Promise<Planned> {
  const config = await deps.config.current();
  const runbook = runbookNamed(config, requested.runbook);
  if (requested.version !== undefined && requested.version !== runbook.version)
    throw new Refusal(409, 'runbook-changed', `the runbook ${runbook.name} has changed; check its plan again`);
  const incident = await incidentOf(deps, requested);
  const serviceEnvironment = serviceEnvironmentOf(config, requested, incident);
  caller.allow('incidents:act', serviceEnvironment);
  const open = incident ?? (await deps.incidents.openAt(serviceEnvironment));
  refuseInapplicable(config, runbook, serviceEnvironment);
  const inputs = checkedInputs(runbook, requested.inputs);
  const alert = open && (await newestAlert(deps, open.id));
  const selected = {
    runbook,
    labels: alert?.labels ?? [],
    annotations: alert?.annotations ?? [],
    by: caller.name,
    ...(Object.keys(inputs).length > 0 && { inputs }),
  };
  return planFollowed(deps, caller, { serviceEnvironment, selected, incident: open });
}

/** Plans a run of a given runbook. */
export async function planFollowed(
  deps: PlanDeps,
  caller: Caller,
  {
    serviceEnvironment,
    selected,
    incident,
  }: {
    serviceEnvironment: ServiceEnvironment;
    selected: SelectedRunbook & { by: string };
    incident: IncidentRecord | undefined;
  },
): Promise<Planned> {
  const { runbook, inputs = {}, continues: continued } = selected;
  const at = incident ?? (await incidentToOpen(deps, serviceEnvironment, runbook));
  const variables = await variablesOf(deps, at, selected, continued?.done ?? {});
  const steps: PlanStep[] = [];
  for (const step of planOf(runbook).steps)
    steps.push(
      await planStep(deps, caller, { incident: at, serviceEnvironment, selected, step, variables }, continued),
    );
  const plan: RunPlan = {
    runbook: runbook.name,
    title: runbook.title,
    version: runbook.version,
    ...serviceEnvironment,
    incident_id: incident?.id ?? null,
    incident_number: incident?.number ?? null,
    inputs,
    steps,
    refused: await refusalsNow(deps, runbook, incident),
  };
  return { plan, serviceEnvironment, selected };
}

function runbookNamed({ runbooks: { runbooks } }: Config, name: string): Runbook {
  const found = runbooks.find((runbook) => runbook.name === name);
  if (found !== undefined) return found;
  const suggestion = nearest(
    name,
    runbooks.map((runbook) => runbook.name),
  );
  throw new Refusal(404, 'unknown-runbook', `there is no runbook ${name}${suggestionText(suggestion)}`);
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
  if (found.status === 'resolved') throw incidentResolved(found);
  if (found.group_reason === undefined) return found;
  const why = `${incidentName(found)} is a group and has no service to change; name one of its child incidents`;
  throw new Refusal(409, 'runbook-not-here', why);
}

function serviceEnvironmentOf(
  config: Config,
  requested: RequestedRun,
  incident: IncidentRecord | undefined,
): ServiceEnvironment {
  const { service, environment } = inConfiguredSpelling(config, requested);
  if (incident === undefined) {
    if (service !== undefined) return declaredScope(config, { service, environment });
    throw new Refusal(422, 'invalid', 'json: "service" or "incident_id" is required');
  }
  const own = { service: incident.service, environment: incident.environment };
  if ((service ?? own.service) === own.service && (environment ?? own.environment) === own.environment) return own;
  const where = `${own.service} in ${own.environment}`;
  throw new Refusal(
    422,
    'invalid',
    `json: ${incidentName(incident)} belongs to ${where}, not to the service or environment in the request`,
  );
}

/** Refuses a runbook without steps, one for other services or environments, and unknown services. */
function refuseInapplicable(
  { services }: Config,
  runbook: Runbook,
  { service, environment }: ServiceEnvironment,
): void {
  const entry = serviceEntry(services, service);
  const known = entry !== undefined && Object.hasOwn(entry.environments, environment);
  if (!known)
    throw new Refusal(
      422,
      'unknown-service-environment',
      `${service} in ${environment} is not in the catalogue; see services.yaml`,
    );
  if (runbook.steps.length === 0)
    throw new Refusal(
      422,
      'runbook-without-steps',
      `the runbook ${runbook.name} has no steps to run; it is documentation`,
    );
  const excludes = (only: readonly string[] | undefined, name: string) => only !== undefined && !only.includes(name);
  if (excludes(runbook.services, service) || excludes(runbook.environments, environment))
    throw new Refusal(
      422,
      'runbook-not-here',
      `the runbook ${runbook.name} is not for ${service} in ${environment} (see "services" and "environments" in ${runbook.file})`,
    );
}

function checkedInputs(runbook: Runbook, given: InputValues): InputValues {
  const wrong = (why: string): Refusal => new Refusal(422, 'invalid', `inputs: ${why}`);
  const known = Object.keys(runbook.inputs);
  for (const [name, value] of Object.entries(given)) {
    const input = Object.hasOwn(runbook.inputs, name) ? runbook.inputs[name] : undefined;
    if (input === undefined) throw wrong(`the runbook has no input "${name}"${suggestionText(nearest(name, known))}`);
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
const incidentToOpen = async (
  { clock }: Pick<Deps, 'clock'>,
  serviceEnvironment: ServiceEnvironment,
  { title }: Runbook,
): Promise<IncidentRecord> => ({
  ...blankIncident,
  ...serviceEnvironment,
  id: IncidentId.parse('0'.repeat(26)),
  title: titleFor(title),
  severity: 'warning',
  opened_at: clock.now(),
  trace: '',
});

export const titleFor = (title: string): string => `Runbook: ${title}`;

async function refusalsNow(
  deps: PlanDeps,
  { name }: Runbook,
  incident: IncidentRecord | undefined,
): Promise<RunRefusal[]> {
  const { killSwitch } = await readAutomation(deps);
  const running = incident && (await deps.runbooks.of(incident.id)).find((run) => run.name === name && !run.done);
  const refused: RunRefusal[] = [];
  if (killSwitch.state === 'unreadable')
    refused.push({ code: 'guard-unreadable', text: `the kill switch could not be read: ${killSwitch.detail}` });
  else if (killSwitch.paused)
    refused.push({
      code: 'automation-paused',
      text: 'the kill switch is on; resume automation first',
    });
  if (incident !== undefined && running !== undefined) {
    const text = `run ${runId(incident.id, running.number)} of this runbook is in progress`;
    refused.push({ code: 'run-in-progress', text });
  }
  return refused;
}

type PlanContext = Pick<StepContext, 'incident' | 'serviceEnvironment' | 'selected' | 'step' | 'variables'>;

async function planStep(
  deps: PlanDeps,
  caller: Caller,
  at: PlanContext,
  continued: ContinuedRun | undefined,
): Promise<PlanStep> {
  const { step, selected, variables } = at;
  const declared = declarationsOf(selected.runbook);
  const context: StepContext = { ...at, declared, inverse: null, name: resolveText(step.name, declared, variables) };
  const found = resolveWith({ uses: step.uses, with: step.with }, declared, variables);
  const given = found.ok ? found.value : step.with;
  const guards = await guardsOf(deps, context);
  const permission = permit(guards);
  const isApprovalStep = step.uses === 'approve';
  const isAsked = isApprovalStep || (step.mutating && permission.kind === 'ask');
  const approval = isAsked ? await question(deps, context, guards, '') : null;
  const limited = step.mutating && permission.kind !== 'act' ? permission.reasons : [];
  const { id, uses, when, timeoutSeconds, onFailure, inverse } = step;
  return {
    id,
    name: context.name,
    uses,
    does: uses === 'rollback' ? await rollbackSummary(deps, caller, at.serviceEnvironment) : stepSummary(step, given),
    target: await targetOf(deps, at, given),
    changes_production: step.mutating,
    when,
    approval: approval && {
      needed: approval.approvals,
      given: approval.given ?? [],
      people: approval.people === null ? null : [...approval.people],
    },
    reasons: approval === null ? limited : approval.reasons,
    timeout_s: timeoutSeconds,
    on_failure: onFailure,
    inverse: inverse?.uses ?? null,
    done: continued?.done[id] !== undefined,
  };
}

function stepSummary({ uses, mutating }: PlannedStep, given: object): string {
  const values = new Map(Object.entries(given).map(([key, value]) => [key, inOneLine(value)]));
  const firstValue = (...keys: string[]) => keys.map((key) => values.get(key)).find((value) => value !== undefined);
  if (uses === 'scale') {
    const how = ['to', 'by', 'factor'].flatMap((key) => (values.has(key) ? [`${key} ${values.get(key)}`] : []));
    return `scale ${how.join(' ')}, at most ${values.get('ceiling')} instances`;
  }
  if (mutating || uses === 'http') return describeStep(uses, given, null);
  const text = firstValue('text', 'title', 'note', 'promql', 'cel', 'for');
  return text === undefined ? uses : `${uses}: ${text}`;
}

const inOneLine = (value: unknown): string =>
  typeof value === 'string' ? value.replace(/\s+/g, ' ').trim() : JSON.stringify(value);

async function rollbackSummary(
  deps: PlanDeps,
  caller: Caller,
  serviceEnvironment: ServiceEnvironment,
): Promise<string> {
  const { live, target } = await planRollback(deps, caller, serviceEnvironment);
  if (live === undefined) return 'roll back; the running version is unknown';
  return target?.kind === 'version'
    ? `roll back ${live.version} to ${target.version}`
    : `roll back ${live.version}; there is no version to roll back to`;
}

/** Describes the target of a step, from the configuration only, because planning requires no secrets of vendors. */
async function targetOf(
  deps: PlanDeps,
  { serviceEnvironment, step }: PlanContext,
  given: object,
): Promise<string | null> {
  const { url, channel, repository } = given as { url?: string; channel?: string; repository?: string };
  const config = await deps.config.current();
  const entry = serviceEntry(config.services, serviceEnvironment.service);
  const configured = entry?.environments[serviceEnvironment.environment];
  const described = (what: string, client: { kind: string } | undefined): string =>
    client === undefined
      ? `no ${what} is configured`
      : `${serviceEnvironment.service} in ${serviceEnvironment.environment} (${client.kind})`;
  switch (step.uses) {
    case 'rollback':
    case 'scale':
    case 'restart':
      return described('deployer', configured?.deployer);
    case 'flag.disable':
    case 'flag.enable':
      return described('flag service', configured?.flags);
    case 'reroute': {
      const found = configuredRoute(config, serviceEnvironment, (given as With<'reroute'>).route);
      return typeof found === 'string' ? found : `traffic route ${found.name} (${found.config.kind})`;
    }
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
