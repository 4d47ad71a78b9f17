import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { clearingsInWords, activeClearings } from '../../domain/changes/cleared-suspects.ts';
import { whyNotTo } from '../../domain/changes/named-version.ts';
import { suggestedName } from '../../domain/freeze/place-names.ts';
import type { ChatButton, ChatMessage, Text } from '../../domain/messages/channels.ts';
import { minuteOf, placeOf } from '../../domain/messages/story.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { EnvironmentName, ServiceName, UNMATCHED, Version } from '../../schemas/config/names.ts';
import type { Button } from '../../schemas/slack/button.ts';
import type { SlashCommand } from '../../schemas/slack/command.ts';
import { type Plan, planRollback, whyOther } from '../../actions/rollback/plan-rollback.ts';
import { type Begun, rollBack as startRollback } from '../../actions/rollback/roll-back.ts';
import type { CommandDeps } from '../deps.ts';
import { answered, Declined, message, nameIn, unknownName } from '../outcome.ts';
import type { Waiting } from '../waiting.ts';
import { readerInTime } from '../requests/permissions.ts';
import { deployedLately, rollbackChoice } from '../requests/replies.ts';
import { authorWords, environmentNamed, noEnvironment } from './deploys.ts';
import { READ_PATIENCE_MS } from './status.ts';
import type { EnvironmentsOf, Given, Run, Verb, Wrong } from './verb.ts';

/** Environment null: the only environment, or the service's default. */
type Wanted = { service: string; environment: string | null; version: string | null };

export const rollback: Verb<Wanted> = {
  permission: 'incidents:act',
  command: 'rollback',
  name: '',
  usage: 'SERVICE [ENVIRONMENT] [VERSION]',
  says: 'show the suspect and the planned rollback, and ask for confirmation',
  named: ['env', 'environment', 'to', 'version'],
  parse: parseRollback,
  withoutArguments: chooseService,
};

function parseRollback(given: Given): Wanted | Wrong {
  const [service, second, third, ...more] = given.words;
  if (service === undefined) return { wrong: 'the service is missing', instead: null };
  const versionNamed = given.named.get('version') || given.named.get('to') || undefined;
  const environment = environmentNamed(given);
  if (more.length > 0 || (third !== undefined && (environment ?? versionNamed) !== undefined))
    return { wrong: 'too many arguments: expected a service, an environment, and a version', instead: service };
  const isVersion =
    second !== undefined &&
    third === undefined &&
    (environment !== undefined || !isEnvironment(second, service, given));
  return {
    service,
    environment: environment ?? (isVersion ? null : (second ?? null)),
    version: versionNamed ?? (isVersion ? second : (third ?? null)),
  };
}

/** Decides by the service's known environments, else by the usual format of versions. */
function isEnvironment(word: string, service: string, { environmentsOf }: { environmentsOf: EnvironmentsOf }): boolean {
  return environmentsOf(service)?.includes(word) ?? !/^v?\d+[.\d]|^[0-9a-f]{7,40}$|^sha256:|^v\d+$/i.test(word);
}

/** Lists failing and recently deployed services. */
async function chooseService(waiting: Waiting, command: SlashCommand): Promise<ChatMessage | null> {
  const { deps, known } = waiting;
  const [reader, open, changes] = await Promise.all([
    readerInTime(waiting, command, READ_PATIENCE_MS),
    known.openIncidents(READ_PATIENCE_MS),
    known.recentChanges(READ_PATIENCE_MS),
  ]);
  if (reader.kind !== 'known') return null;
  const failing = (open?.value ?? []).filter(
    ({ service, environment }) => service !== UNMATCHED && reader.may('incidents:read', { service, environment }),
  );
  const deployed = deployedLately(changes?.value ?? [], deps.clock.now()).filter(
    ({ service, environment }) =>
      reader.may('deployments:read', { service, environment }) &&
      !failing.some((one) => one.service === service && one.environment === environment),
  );
  if (failing.length + deployed.length === 0) return null;
  return rollbackChoice(command.command, { failing, deployed });
}

const SUSPECTS_SHOWN = 3;

/** @throws Declined if the service or environment is unknown */
async function placeIn(deps: CommandDeps, service: string, environment: string | null): Promise<ServiceEnvironment> {
  const { services } = await deps.config.current();
  const entry = serviceEntry(services, service);
  if (entry === undefined) throw unknownName('service', service, Object.keys(services));
  const known = Object.keys(entry.environments);
  const where = environment ?? entry.defaultEnvironment ?? (known.length === 1 ? known[0] : undefined) ?? 'production';
  if (!known.includes(where)) throw noEnvironment(service, where, known);
  return { service: nameIn(ServiceName, service), environment: nameIn(EnvironmentName, where) };
}

/** Shows the suspect, the planned rollback, and a button for it. Changes nothing. */
export const runRollback: Run<Wanted> = async (deps, { who }, request) => {
  const place = await placeIn(deps, request.service, request.environment);
  const named = request.version === null ? undefined : nameIn(Version, request.version);
  const plan = await planRollback(deps, who, place, named);
  const { live, way, hasDeployer } = plan;
  const where = `${place.service} in ${place.environment}`;
  if (request.environment === null && named !== undefined && (way === undefined || way.kind === 'unknown'))
    throw await neitherNor(deps, place, named, way);
  if (live === undefined || way === undefined)
    throw new Declined(`The running version of ${where} is unknown, because no deployment of it is recorded.`);
  if (way.kind === 'none_known_good')
    throw new Declined(
      `${where} runs ${live.version}, and no earlier version is known to be good. To roll back to a specific version, enter `,
      { code: `/rollback ${place.service} ${place.environment} VERSION` },
      '.',
    );
  if (way.kind === 'unsafe' && named === undefined)
    throw new Declined(
      `${where} runs ${live.version}. A rollback to ${way.version} is not safe, according to rollback_safe_to of ${way.by.version}.`,
    );
  if (way.kind !== 'version') throw new Declined(`${upperFirst(whyNotTo(way, place))}. Nothing was done.`);
  if (!hasDeployer) throw new Declined(`${where} has no deployer in services.yaml, so Firebreak cannot roll it back.`);
  const shown = [...shownPlan(plan, live, way), ...(await held(deps, plan))];
  return { answer: message(shown, [confirmOf(plan, live, way, named !== undefined)]) };
};

/** Returns the error for a word that is neither a known environment nor a known version. */
async function neitherNor(
  { config }: Pick<CommandDeps, 'config'>,
  { service, environment }: ServiceEnvironment,
  word: Version,
  way: Extract<Plan['way'], { kind: 'unknown' }> | undefined,
): Promise<Declined> {
  const environments = Object.keys(serviceEntry((await config.current()).services, service)?.environments ?? {});
  const meant = suggestedName(word, environments);
  const versions = way?.known ?? [];
  return new Declined(
    `${service} has no environment "${word}", and no version "${word}" is recorded in ${environment}. `,
    ...(meant === null ? [] : ['Did you mean ', { code: `/rollback ${service} ${meant}` }, '? ']),
    `Environments: ${environments.join(', ') || 'none'}${versions.length === 0 ? '' : `; versions: ${versions.join(', ')}`}. `,
    'Nothing was done.',
  );
}

type Way = Extract<Plan['way'], { kind: 'version' }>;

/** Capitalizes the first letter, except of a version. */
const upperFirst = (text: string): string =>
  /^\S*\d/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);

function shownPlan({ place, past, incident, does }: Plan, live: Change, way: Way): Text {
  const suspects = (incident?.suspects ?? []).slice(0, SUSPECTS_SHOWN);
  const cleared = activeClearings(incident?.cleared);
  return [
    { bold: `${place.service} in ${place.environment}` },
    ` has been running ${live.version} since ${minuteOf(live.finished_at ?? live.started_at)}${authorWords(live)}.`,
    ...(suspects.length === 0
      ? [
          cleared.length > 0
            ? '\nNo change is suspected.'
            : '\nNo change is suspected: no incident is open, or no change could have caused it.',
        ]
      : suspects.flatMap(({ version, confidence, reasons }): Text => [
          `\nSuspect: `,
          { bold: version },
          ` ${Math.round(confidence * 100)} %: ${reasons.join('; ')}.`,
        ])),
    ...(cleared.length === 0 ? [] : [`\n${clearingsInWords(cleared)}.`]),
    does?.goes === 'forward' ? `\nThe rollback would go forward to ` : `\nThe rollback would go back to `,
    { bold: way.version },
    does === undefined ? '.' : doesWords(does, live, way),
    ...shownPast(past),
    incident === undefined
      ? '\nFirebreak opens an incident for the rollback.'
      : `\nThe rollback belongs to the incident ${placeOf(incident)}: ${incident.title}.`,
  ];
}

function doesWords({ goes, takes, already }: NonNullable<Plan['does']>, live: Change, { version }: Way): string {
  if (goes === 'forward')
    return version === live.version ? '.' : `, because ${live.version} is running after a rollback.`;
  const taken = takes.map((change) => `${change.version} (${change.kind})`).join(', ') || 'nothing else';
  const versions = [...new Set(already.map((change) => change.version))];
  const before =
    versions.length === 0 ? '' : `; ${versions.join(', ')} ${versions.length === 1 ? 'was' : 'were'} already undone`;
  return `, which undoes ${taken}${before}.`;
}

/** Shows the recorded facts about the target version. */
const shownPast = (past: Plan['past']): Text =>
  past === undefined
    ? []
    : [
        `\n${past.ran}.`,
        ...past.doubts.map((doubt) => `\n⚠️ ${upperFirst(doubt)}.`),
        ...past.safe.map((safe) => `\n${upperFirst(safe)}.`),
      ];

/** Shows what would block the rollback. */
async function held({ automation }: CommandDeps, { incident }: Plan): Promise<Text> {
  const { paused, reason } = await automation.read();
  if (paused)
    return [
      `\n⚠️ The kill switch is on${reason === null ? '' : ` (${reason})`}. First enter `,
      { code: '/firebreak resume' },
      '.',
    ];
  return incident?.automation_paused === true ? ['\n⚠️ The automation of this incident is paused.'] : [];
}

const confirmOf = ({ place, past }: Plan, live: Change, way: Way, named: boolean): ChatButton => ({
  button: {
    verb: 'rollback',
    ...place,
    from: live.version,
    to: way.version,
    ...(named && { named }),
  },
  text: `Roll back to ${way.version}`,
  style: 'danger',
  confirm: {
    title: 'Roll back now?',
    text: [
      `${place.service} in ${place.environment}: roll back from ${live.version} to ${way.version}`,
      ...(past?.doubts ?? []).map(upperFirst),
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
  buttons: { rollback: ({ service, environment, from, to, named }) => ({ service, environment, from, to, named }) },
};

/**
 * Executes the rollback that was shown, if it is still the same. A repeated delivery continues the rollback that was
 * started: if that has finished, a new one would go back further.
 */
export const runConfirmRollback: Run<Confirmed> = async (deps, { who, key, trace }, request) => {
  const kept = `${key}-begun`;
  const begun = (await deps.processedEvents.read(kept))?.outcome as Begun | undefined; // stored below
  const place = { service: request.service, environment: request.environment };
  const named = request.named === true && request.to !== null ? { to: request.to } : {};
  if (begun === undefined) {
    const other = whyOther(await planRollback(deps, who, place, named.to), request);
    if (other !== undefined) throw new Declined(`Superseded: ${other}. Nothing was done.`);
  }
  const keep = async (what: Begun): Promise<void> => void (await deps.processedEvents.store(kept, what));
  const agreed = { place, from: request.from, ...named, ...(request.to !== null && { shown: request.to }), trace };
  const incident = await startRollback(deps, who, agreed, { begun, keep });
  return answered(
    `The rollback of ${request.from}${named.to === undefined ? '' : ` to ${named.to}`} was requested, and starts unless a guard blocks it. See its progress in `,
    incident.channel ?? 'the channel of the incident, which Firebreak is creating',
    '.',
  );
};
