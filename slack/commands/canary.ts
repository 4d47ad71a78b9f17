import { requestCanaryCommand } from '../../actions/canary/canaries.ts';
import type { Caller } from '../../actions/people/caller.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { isFinal } from '../../domain/canary/progress.ts';
import type { ChatButton, Text } from '../../domain/messages/channels.ts';
import { minuteOf } from '../../domain/messages/story.ts';
import { nearest } from '../../domain/runbooks/similar-names.ts';
import { type Canary, CanaryCommandKind, type CanaryId, type CanaryRecord } from '../../schemas/canary/canary.ts';
import { EnvironmentName, type ServiceName } from '../../schemas/config/names.ts';
import type { CommandDeps } from '../deps.ts';
import { isPermitted } from '../execution/caller.ts';
import { answered, Declined, message, nameIn, type Outcome, reasonWords } from '../outcome.ts';
import { knownService } from './known-service.ts';
import { namedEnvironment, noEnvironment } from './deploys.ts';
import type { Given, Run, Verb, UsageError } from './verb.ts';

type Listed = { service: string | null };

/** Lists canaries. */
export const canaries: Verb<Listed> = {
  permission: 'canaries:read',
  command: 'firebreak',
  name: 'canaries',
  usage: 'canaries [SERVICE]',
  description: 'show the canaries in progress, or the newest ones of a service',
  parse: ({ words: [service, ...more] }) =>
    more.length > 0 ? { error: 'too many arguments: expected a service' } : { service: service ?? null },
};

/**
 * A request as typed. Whether the first word after the service is an environment is decided with the catalogue, not
 * while Slack waits: otherwise, a request for one environment could apply to another one.
 */
type Requested = {
  kind: CanaryCommandKind;
  service: string;
  environment: string | null;
  reason: string | null;
  /** The text after the service: its first word, all of it, and all but the first word. */
  rest: { first: string; all: string; others: string | null } | null;
};

/** Promotes, holds, or aborts the canary in progress of a service. */
export const canaryCommand: Verb<Requested> = {
  permission: 'canaries:write',
  command: 'firebreak',
  name: 'canary',
  usage: 'canary promote|hold|abort SERVICE [ENVIRONMENT] [REASON]',
  description: 'give a canary its next share of the traffic, keep its share, or give all traffic back',
  named: ['env', 'environment', 'reason'],
  parse: parseRequest,
  freeText: ({ reason, rest }) => reason ?? rest?.all ?? null,
};

function parseRequest(input: Given): Requested | UsageError {
  const [word, service, third] = input.words;
  const kind = CanaryCommandKind.safeParse(word?.toLowerCase());
  if (!kind.success) {
    const near = word === undefined ? null : nearest(word.toLowerCase(), CanaryCommandKind.options);
    const error = word === undefined ? 'the action is missing' : `unknown action "${word}"`;
    return {
      error: `${error}: use promote, hold, or abort`,
      suggestion: near && `${near} ${input.textFrom(1) ?? 'SERVICE'}`,
    };
  }
  if (service === undefined) return { error: 'the service is missing', suggestion: `${kind.data} SERVICE` };
  const all = input.textFrom(2);
  return {
    kind: kind.data,
    service,
    environment: namedEnvironment(input) ?? null,
    reason: input.named.get('reason') || null,
    rest: third === undefined || all === null ? null : { first: third, all, others: input.textFrom(3) },
  };
}

type Target = { service: ServiceName; environment: EnvironmentName | null; reason: string | null };

/** @throws Declined if the service is unknown */
async function targetOf(deps: CommandDeps, { service: name, environment, reason, rest }: Requested): Promise<Target> {
  const service = await knownService(deps, name);
  const { services } = await deps.config.current();
  const environments = Object.keys(serviceEntry(services, service)?.environments ?? {});
  // Also recognize environments of other services: as the first word of the reason, they would be ignored, and the request
  // would apply to another environment.
  const allEnvironments = new Set(Object.values(services).flatMap((entry) => Object.keys(entry.environments)));
  const isEnvironment = environment === null && rest !== null && allEnvironments.has(rest.first);
  const environmentName = isEnvironment ? rest.first : environment;
  if (environmentName !== null && !environments.includes(environmentName))
    throw noEnvironment(service, environmentName, environments);
  return {
    service,
    environment: environmentName === null ? null : nameIn(EnvironmentName, environmentName),
    reason: reason ?? (isEnvironment ? rest.others : (rest?.all ?? null)),
  };
}

const SHOWN_MAX = 8;

export const runCanaries: Run<Listed> = async (deps, { caller }, request) => {
  if (request.service === null) {
    const running = (await deps.canaries.running()).filter((canary) => isPermitted(caller, 'canaries:read', canary));
    if (running.length === 0) return answered('No canary is in progress.');
    return canaryList('Canaries in progress:', running, buttonsOf(caller, running));
  }
  const service = await knownService(deps, request.service);
  caller.allow('canaries:read', { service });
  const { items } = await deps.canaries.list({ service, limit: SHOWN_MAX });
  if (items.length === 0) return answered(`No canary of ${service} is recorded.`);
  const running = (await deps.canaries.running()).filter((canary) => canary.service === service);
  return canaryList(`Canaries of ${service}, newest first:`, items, buttonsOf(caller, running));
};

const canaryList = (title: string, shown: readonly Canary[], buttons: ChatButton[]): Outcome => ({
  answer: message([title, ...shown.flatMap(row)], buttons),
});

/** Canaries with buttons. Each has three. */
const WITH_BUTTONS_MAX = 4;

/** Returns the buttons of canaries that the person may change. */
const buttonsOf = (caller: Caller, running: readonly CanaryRecord[]): ChatButton[] =>
  running
    .filter(
      (canary) => !isFinal(canary) && canary.status !== 'aborting' && isPermitted(caller, 'canaries:write', canary),
    )
    .slice(0, WITH_BUTTONS_MAX)
    .flatMap(({ id, sequence, service, environment, version, stable_version: stable, degraded }) => {
      const reference = { canary: id, sequence };
      const where = `${service} ${environment}`;
      const promotion = {
        title: 'Promote this canary?',
        text: `${version} of ${where} gets its next share of the traffic now.`,
        yes: 'Promote',
        no: 'Cancel',
      };
      const abortion = {
        title: 'Abort this canary?',
        text: `All traffic of ${where} goes back to ${stable}.`,
        yes: 'Abort',
        no: 'Cancel',
      };
      return [
        ...(degraded
          ? []
          : [
              {
                button: { verb: 'promote_canary' as const, ...reference },
                text: `Promote: ${where}`,
                confirm: promotion,
              },
            ]),
        { button: { verb: 'hold_canary' as const, ...reference }, text: `Hold: ${where}` },
        {
          button: { verb: 'abort_canary' as const, ...reference },
          text: `Abort: ${where}`,
          style: 'danger' as const,
          confirm: abortion,
        },
      ];
    });

const row = (canary: Canary): Text => [
  `\n${canary.ended_at === null ? '▶️' : '•'} ${minuteOf(canary.started_at)} ${canary.service} ${canary.environment} `,
  { bold: canary.version },
  ` ${canary.status} at ${canary.weight} % beside ${canary.stable_version}: ${canary.reason}`,
];

/** The canary of a request, stored so that a repeated delivery does not search again: another canary may have started. */
type StartedRequest = Pick<CanaryRecord, 'id' | 'sequence'>;

const EFFECT_TEXTS: Record<CanaryCommandKind, string> = {
  promote: 'gets its next share of the traffic, unless a freeze, an incident, or the kill switch prevents it',
  hold: 'keeps its share of the traffic until someone promotes it',
  abort: 'is aborted: all traffic goes back to the stable version',
};

export const runCanary: Run<Requested> = async (deps, { caller, key }, request) => {
  const resultKey = `${key}-canary`;
  const started = (await deps.processedEvents.read(resultKey))?.outcome as StartedRequest | undefined; // stored below
  const { reason, ...serviceEnvironment } = await targetOf(deps, request);
  const canary =
    started === undefined ? await runningIn(deps, caller, serviceEnvironment) : await deps.canaries.get(started.id);
  if (canary === undefined) throw new Declined('The canary no longer exists. Nothing was done.');
  const { id, sequence } = canary;
  if (started === undefined) await deps.processedEvents.store(resultKey, { id, sequence } satisfies StartedRequest);
  const { kind } = request;
  // A repeated promotion would skip one more step.
  const isRepeat = started !== undefined && kind === 'promote' && hasPromotion(canary, started);
  if (!isRepeat) await requestCanaryCommand(deps, caller, id, { kind, reason, full: false });
  return confirmation(canary, kind, reason);
};

const confirmation = (
  { id, service, environment, version }: Canary,
  kind: CanaryCommandKind,
  reason: string | null,
): Outcome =>
  answered(
    { bold: `${service} in ${environment}` },
    `: ${version} ${EFFECT_TEXTS[kind]}${reasonWords(reason)}. Canary ${id}.`,
  );

type Pressed = { kind: CanaryCommandKind; canary: CanaryId; sequence: number };

/** The buttons of the list of canaries. */
export const canaryButtons: Verb<Pressed> = {
  permission: 'canaries:write',
  buttons: {
    promote_canary: ({ canary: id, sequence }) => ({ kind: 'promote', canary: id, sequence }),
    hold_canary: ({ canary: id, sequence }) => ({ kind: 'hold', canary: id, sequence }),
    abort_canary: ({ canary: id, sequence }) => ({ kind: 'abort', canary: id, sequence }),
  },
};

/** A promotion applies to the share that the button was shown with; a hold or an abort applies to any. */
export const runCanaryButton: Run<Pressed> = async (deps, { caller, key }, { kind, canary: id, sequence }) => {
  const resultKey = `${key}-canary`;
  const isRepeat = (await deps.processedEvents.read(resultKey)) !== undefined;
  const canary = await deps.canaries.get(id);
  if (canary === undefined) throw new Declined('The canary no longer exists. Nothing was done.');
  caller.allow('canaries:write', canary);
  if (kind === 'promote' && hasPromotion(canary, { id, sequence })) {
    if (isRepeat || canary.sequence === sequence) return confirmation(canary, kind, null);
    throw new Declined(
      `The canary has gone on since: ${canary.version} has ${canary.weight} % of the traffic, and is ${canary.status}. Nothing was done.`,
    );
  }
  if (!isRepeat) await deps.processedEvents.store(resultKey, { id, sequence } satisfies StartedRequest);
  await requestCanaryCommand(deps, caller, id, { kind, reason: null, full: false });
  return confirmation(canary, kind, null);
};

/** Returns whether a promotion was requested, or executed, since the canary had the given sequence number. */
const hasPromotion = ({ sequence, command, skip, full }: CanaryRecord, started: StartedRequest): boolean =>
  sequence !== started.sequence || command !== null || skip || full;

/** @throws Declined if there is not exactly one such canary */
async function runningIn(
  deps: CommandDeps,
  caller: Caller,
  { service, environment }: Omit<Target, 'reason'>,
): Promise<CanaryRecord> {
  if (environment !== null) caller.allow('canaries:write', { service, environment });
  const running = (await deps.canaries.running()).filter(
    (canary) =>
      canary.service === service &&
      (environment ?? canary.environment) === canary.environment &&
      !isFinal(canary) &&
      isPermitted(caller, 'canaries:write', canary),
  );
  const [only, ...others] = running;
  const where = environment === null ? service : `${service} in ${environment}`;
  if (only === undefined) {
    caller.allow('canaries:write', { service, ...(environment !== null && { environment }) });
    throw new Declined(`No canary of ${where} is in progress. Nothing was done.`);
  }
  if (others.length > 0)
    throw new Declined(
      `${service} has canaries in ${running.map((canary) => canary.environment).join(', ')}: name the environment. Nothing was done.`,
    );
  return only;
}
