import { killSwitchText } from '../../../core/domain/automation/automation.ts';
import { defaultEnvironmentOf, serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { suspectName } from '../../../core/domain/changes/change-words.ts';
import { clearingsText, activeClearings } from '../../../core/domain/changes/cleared-suspects.ts';
import { environmentNamed, suggestedName } from '../../../core/domain/catalogue/known-names.ts';
import { suspectsToShow } from '../../../core/domain/correlation/words.ts';
import type { ChatButton, ChatMessage, Text } from '../../../core/domain/messages/chat-message.ts';
import { placedTitle } from '../../../core/domain/messages/place-names.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { REVISION } from '../../../core/domain/changes/version-identity.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { UNMATCHED, Version } from '../../../schemas/config/names.ts';
import type { Button } from '../../../schemas/slack/button.ts';
import type { SlashCommand } from '../../../schemas/slack/command.ts';
import {
  type PossibleRollback,
  type RollbackPlan,
  planRollback,
  possibleRollback,
} from '../../../core/actions/rollback/plan-rollback.ts';
import { type RequestProgress, rollBack as startRollback } from '../../../core/actions/rollback/roll-back.ts';
import type { CommandDeps } from '../deps.ts';
import { answered, Declined, message, nameIn } from '../outcome.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import type { RequestContext } from '../request-context.ts';
import { permissionsInTime } from '../requests/permissions.ts';
import { deployedLately, rollbackChoice } from '../requests/replies.ts';
import { authorWords, namedEnvironment, noEnvironment } from './deploys.ts';
import { knownEnvironment, knownService } from './known-service.ts';
import { READ_PATIENCE_MS } from './status.ts';
import {
  type EnvironmentsOf,
  type CommandArguments,
  NO_SUBCOMMAND,
  type RunVerb,
  type Verb,
  type UsageError,
} from './verb.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/** Environment null: the only environment, or the service's default. */
type Request = { service: string; environment: string | null; version: string | null };

export const rollback: Verb<Request> = {
  permission: 'incidents:act',
  command: 'rollback',
  name: NO_SUBCOMMAND,
  usage: 'SERVICE [ENVIRONMENT] [VERSION]',
  description: 'show the suspect and the planned rollback, and ask for confirmation',
  named: ['env', 'environment', 'to', 'version'],
  versions: true,
  parse: parseRollback,
  withoutArguments: chooseService,
};

function parseRollback(input: CommandArguments): Request | UsageError {
  const [service, second, third, ...more] = input.words;
  if (service === undefined) return { error: 'the service is missing', suggestion: null };
  const versionNamed = input.named.get('version') || input.named.get('to') || undefined;
  const environment = namedEnvironment(input);
  if (more.length > 0 || (third !== undefined && (environment ?? versionNamed) !== undefined))
    return { error: 'too many arguments: expected a service, an environment, and a version', suggestion: service };
  const isVersion =
    second !== undefined &&
    third === undefined &&
    (environment !== undefined || !isEnvironment(second, service, input));
  return {
    service,
    environment: environment ?? (isVersion ? null : (second ?? null)),
    version: versionNamed ?? (isVersion ? second : (third ?? null)),
  };
}

/** Decides by the service's known environments, else by the usual format of versions. */
function isEnvironment(word: string, service: string, { environmentsOf }: { environmentsOf: EnvironmentsOf }): boolean {
  const isVersion = REVISION.test(word) || /^v?\d+[.\d]|^[0-9a-f]{7,40}$|^sha256:|^v\d+$/i.test(word);
  const known = environmentsOf(service);
  return known === undefined ? !isVersion : environmentNamed(word, known) !== undefined;
}

/** Lists failing and recently deployed services. */
async function chooseService(context: RequestContext, command: SlashCommand): Promise<ChatMessage | null> {
  const { deps, cachedReads: reads } = context;
  const [permissions, open, changes] = await Promise.all([
    permissionsInTime(context, command, READ_PATIENCE_MS),
    reads.openIncidents(READ_PATIENCE_MS),
    reads.recentChanges(READ_PATIENCE_MS),
  ]);
  if (permissions.kind !== 'known') return null;
  const failing = (open?.value ?? []).filter(
    ({ service, environment }) => service !== UNMATCHED && permissions.may('incidents:read', { service, environment }),
  );
  const deployed = deployedLately(changes?.value ?? [], deps.clock.now()).filter(
    ({ service, environment }) =>
      permissions.may('deployments:read', { service, environment }) &&
      !failing.some((incident) => incident.service === service && incident.environment === environment),
  );
  if (failing.length + deployed.length === 0) return null;
  return rollbackChoice(command.command, { failing, deployed });
}

const SUSPECTS_SHOWN = 3;

/** @throws Declined if the service or environment is unknown */
async function serviceEnvironmentIn(
  deps: CommandDeps,
  named: string,
  given: string | null,
): Promise<ServiceEnvironment> {
  const service = await knownService(deps, named);
  const entry = serviceEntry((await deps.config.current()).services, service);
  const environments = Object.keys(entry?.environments ?? {});
  const wanted = given ?? defaultEnvironmentOf(entry);
  const environment = await knownEnvironment(deps, { service, environment: wanted });
  if (!environments.includes(environment)) throw noEnvironment(service, environment, environments);
  return { service, environment };
}

/** Shows the suspect, the planned rollback, and a button for it. Changes nothing. */
export const runRollback: RunVerb<Request> = async (deps, { caller }, request) => {
  const serviceEnvironment = await serviceEnvironmentIn(deps, request.service, request.environment);
  const named = request.version === null ? undefined : nameIn(Version, request.version);
  const plan = await planRollback(deps, caller, serviceEnvironment, named);
  if (request.environment === null && named !== undefined && (plan.target?.kind ?? 'unknown') === 'unknown')
    throw await neitherEnvironmentNorVersion(deps, serviceEnvironment, named, plan.target);
  const possible = possibleRollback(plan);
  if (possible instanceof Refusal) throw declined(plan, possible);
  const planText = [...planDescription(plan, possible), ...(await automationWarning(deps, plan))];
  return { answer: message(planText, [confirmButton(plan, possible, named !== undefined)]) };
};

/** Returns why the rollback is not possible, with the command that names a version where one can be restored. */
function declined(
  { serviceEnvironment: { service, environment }, possible }: RollbackPlan,
  { code, detail }: Refusal,
): Declined {
  const canName = code === 'no-rollback-target' && possible.good.length + possible.others.length > 0;
  const command: Text = canName ? [', as in ', { code: `/rollback ${service} ${environment} VERSION` }] : [];
  const text = detail.startsWith(service) ? detail : upperFirst(detail);
  return new Declined(text, ...command, '. Nothing was done.');
}

/** Returns the error for a word that is neither a known environment nor a known version. */
async function neitherEnvironmentNorVersion(
  { config }: Pick<CommandDeps, 'config'>,
  { service, environment }: ServiceEnvironment,
  word: Version,
  target: RollbackPlan['target'],
): Promise<Declined> {
  const environments = Object.keys(serviceEntry((await config.current()).services, service)?.environments ?? {});
  const suggestion = suggestedName(word, environments);
  const versions = target?.kind === 'unknown' ? target.known : [];
  return new Declined(
    `${service} has no environment "${word}", and no version "${word}" is recorded in ${environment}. `,
    ...(suggestion === null ? [] : ['Did you mean ', { code: `/rollback ${service} ${suggestion}` }, '? ']),
    `Environments: ${environments.join(', ') || 'none'}${versions.length === 0 ? '' : `; versions: ${versions.join(', ')}`}. `,
    'Nothing was done.',
  );
}

/** Capitalizes the first letter, except of a version. */
const upperFirst = (text: string): string =>
  /^\S*\d/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);

/** Describes the running version, the suspects, and what the rollback would do. */
function planDescription(
  { serviceEnvironment, facts, incident, effect }: RollbackPlan,
  { live, target }: PossibleRollback,
): Text {
  const suspects = suspectsToShow(incident?.suspects ?? []).slice(0, SUSPECTS_SHOWN);
  const cleared = activeClearings(incident?.cleared);
  return [
    { bold: `${serviceEnvironment.service} in ${serviceEnvironment.environment}` },
    ` has been running ${live.version} since ${minuteText(live.finished_at ?? live.started_at)}${authorWords(live)}.`,
    ...(suspects.length === 0
      ? [
          cleared.length > 0
            ? '\nNo change is suspected.'
            : '\nNo change is suspected: no incident is open, or no change could have caused it.',
        ]
      : suspects.flatMap((suspect): Text => [
          `\nSuspect: `,
          { bold: suspectName(suspect) },
          ` ${Math.round(suspect.confidence * 100)} %: ${suspect.reasons.join('; ')}.`,
        ])),
    ...(cleared.length === 0 ? [] : [`\n${clearingsText(cleared)}.`]),
    effect?.direction === 'forward' ? `\nThe rollback would go forward to ` : `\nThe rollback would go back to `,
    { bold: target.version },
    effect === undefined ? '.' : effectText(effect, live, target),
    ...factsText(facts),
    incident === undefined
      ? '\nFirebreak opens an incident for the rollback.'
      : `\nThe rollback belongs to the incident ${placedTitle(incident)}.`,
  ];
}

/** Describes which changes the rollback undoes. */
function effectText(
  { direction, undoes, alreadyUndone }: NonNullable<RollbackPlan['effect']>,
  live: Change,
  { version }: PossibleRollback['target'],
): string {
  if (direction === 'forward')
    return version === live.version ? '.' : `, because ${live.version} is running after a rollback.`;
  const undone = undoes.map((change) => `${change.version} (${change.kind})`).join(', ') || 'nothing else';
  const versions = [...new Set(alreadyUndone.map((change) => change.version))];
  const before =
    versions.length === 0 ? '' : `; ${versions.join(', ')} ${versions.length === 1 ? 'was' : 'were'} already undone`;
  return `, which undoes ${undone}${before}.`;
}

/** Returns the recorded facts about the target version. */
const factsText = (facts: RollbackPlan['facts']): Text =>
  facts === undefined
    ? []
    : [
        `\n${facts.ran}.`,
        ...facts.doubts.map((doubt) => `\n⚠️ ${upperFirst(doubt)}.`),
        ...facts.safe.map((safe) => `\n${upperFirst(safe)}.`),
      ];

/** Shows what would block the rollback. */
async function automationWarning({ automation }: CommandDeps, { incident }: RollbackPlan): Promise<Text> {
  const settings = await automation.read();
  if (settings.paused)
    return [`\n⚠️ ${upperFirst(killSwitchText(settings))}. First enter `, { code: '/firebreak resume' }, '.'];
  return incident?.automation_paused === true ? ['\n⚠️ The automation of this incident is paused.'] : [];
}

const confirmButton = (
  { serviceEnvironment, facts }: RollbackPlan,
  { live, target }: PossibleRollback,
  named: boolean,
): ChatButton => ({
  button: {
    verb: 'rollback',
    ...serviceEnvironment,
    from: live.version,
    to: target.version,
    ...(named && { named }),
    ...(facts?.unclear != null && { moved_known: true }),
  },
  text: `Roll back to ${target.version}`,
  style: 'danger',
  confirm: {
    title: 'Roll back now?',
    text: [
      `${serviceEnvironment.service} in ${serviceEnvironment.environment}: roll back from ${live.version} to ${target.version}`,
      ...(facts?.doubts ?? []).map(upperFirst),
    ]
      .map((sentence) => `${sentence}.`)
      .join(' '),
    yes: 'Roll back',
    no: 'Cancel',
  },
});

/** The button of the answer to `/rollback`, and of a rollback that failed. */
type Confirmed = Omit<Extract<Button, { verb: 'rollback' }>, 'verb'>;

export const confirmRollback: Verb<Confirmed> = {
  permission: 'incidents:act',
  buttons: {
    rollback: ({ service, environment, from, to, named, moved_known }) => ({
      service,
      environment,
      from,
      to,
      named,
      moved_known,
    }),
  },
};

/** Executes the rollback that was shown, if it is still the same. A repeated delivery continues the rollback that was started. */
export const runConfirmRollback: RunVerb<Confirmed> = async (deps, { caller, key, trace }, request) => {
  const resultKey = `${key}-begun`;
  const begun = (await deps.processedEvents.read(resultKey))?.outcome as RequestProgress | undefined; // stored below
  const serviceEnvironment = { service: request.service, environment: request.environment };
  const named = request.named === true && request.to !== null ? { to: request.to } : {};
  const keep = async (what: RequestProgress): Promise<void> => void (await deps.processedEvents.store(resultKey, what));
  const agreed = {
    serviceEnvironment,
    from: request.from,
    ...named,
    ...(request.to !== null && { shown: request.to }),
    ...(request.moved_known && { movedKnown: true as const }),
    trace,
  };
  const incident = await startRollback(deps, caller, agreed, { progress: begun, store: keep });
  return answered(
    `The rollback of ${request.from}${named.to === undefined ? '' : ` to ${named.to}`} was requested, and starts unless a guard blocks it. See its progress in `,
    incident.channel ?? 'the channel of the incident, which Firebreak is creating',
    '.',
  );
};
