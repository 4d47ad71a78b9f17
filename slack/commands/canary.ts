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
import { environmentNamed, noEnvironment } from './deploys.ts';
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
  /** The words after the service, and those after the first of them. */
  rest: { first: string; all: string; others: string | null } | null;
};

/** Promotes, holds, or aborts the canary in progress of a service. */
export const canary: Verb<Requested> = {
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
      suggestion: near && `${near} ${input.from(1) ?? 'SERVICE'}`,
    };
  }
  if (service === undefined) return { error: 'the service is missing', suggestion: `${kind.data} SERVICE` };
  const all = input.from(2);
  return {
    kind: kind.data,
    service,
    environment: environmentNamed(input) ?? null,
    reason: input.named.get('reason') || null,
    rest: third === undefined || all === null ? null : { first: third, all, others: input.from(3) },
  };
}

type Target = { service: ServiceName; environment: EnvironmentName | null; reason: string | null };

/** @throws Declined if the service is unknown */
async function targetOf(deps: CommandDeps, { service: name, environment, reason, rest }: Requested): Promise<Target> {
  const service = await knownService(deps, name);
  const { services } = await deps.config.current();
  const known = Object.keys(serviceEntry(services, service)?.environments ?? {});
  // Also one of another service: read as the beginning of the reason, the request would apply to another environment.
  const names = new Set(Object.values(services).flatMap(({ environments }) => Object.keys(environments)));
  const isEnvironment = environment === null && rest !== null && names.has(rest.first);
  const wanted = isEnvironment ? rest.first : environment;
  if (wanted !== null && !known.includes(wanted)) throw noEnvironment(service, wanted, known);
  return {
    service,
    environment: wanted === null ? null : nameIn(EnvironmentName, wanted),
    reason: reason ?? (isEnvironment ? rest.others : (rest?.all ?? null)),
  };
}

const SHOWN_MAX = 8;

export const runCanaries: Run<Listed> = async (deps, { caller }, request) => {
  if (request.service === null) {
    const running = (await deps.canaries.running()).filter((one) => isPermitted(caller, 'canaries:read', one));
    if (running.length === 0) return answered('No canary is in progress.');
    return listOf('Canaries in progress:', running, buttonsOf(caller, running));
  }
  const service = await knownService(deps, request.service);
  caller.allow('canaries:read', { service });
  const { items } = await deps.canaries.list({ service, limit: SHOWN_MAX });
  if (items.length === 0) return answered(`No canary of ${service} is recorded.`);
  const running = (await deps.canaries.running()).filter((one) => one.service === service);
  return listOf(`Canaries of ${service}, newest first:`, items, buttonsOf(caller, running));
};

const listOf = (title: string, shown: readonly Canary[], buttons: ChatButton[]): Outcome => ({
  answer: message([title, ...shown.flatMap(row)], buttons),
});

/** Canaries with buttons. Each has three. */
const WITH_BUTTONS_MAX = 4;

/** Returns the buttons of canaries that the person may change. */
const buttonsOf = (caller: Caller, running: readonly CanaryRecord[]): ChatButton[] =>
  running
    .filter((one) => !isFinal(one) && one.status !== 'aborting' && isPermitted(caller, 'canaries:write', one))
    .slice(0, WITH_BUTTONS_MAX)
    .flatMap(({ id, sequence, service, environment, version, stable_version: stable, degraded }) => {
      const of = { canary: id, sequence };
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
          : [{ button: { verb: 'promote_canary' as const, ...of }, text: `Promote: ${where}`, confirm: promotion }]),
        { button: { verb: 'hold_canary' as const, ...of }, text: `Hold: ${where}` },
        {
          button: { verb: 'abort_canary' as const, ...of },
          text: `Abort: ${where}`,
          style: 'danger' as const,
          confirm: abortion,
        },
      ];
    });

const row = (one: Canary): Text => [
  `\n${one.ended_at === null ? '▶️' : '•'} ${minuteOf(one.started_at)} ${one.service} ${one.environment} `,
  { bold: one.version },
  ` ${one.status} at ${one.weight} % beside ${one.stable_version}: ${one.reason}`,
];

/** Names the canary of a request, which a repeated delivery must not search again: another one may have started. */
type Begun = Pick<CanaryRecord, 'id' | 'sequence'>;

const DONE: Record<CanaryCommandKind, string> = {
  promote: 'gets its next share of the traffic, unless a freeze, an incident, or the kill switch prevents it',
  hold: 'keeps its share of the traffic until someone promotes it',
  abort: 'is aborted: all traffic goes back to the stable version',
};

export const runCanary: Run<Requested> = async (deps, { caller, key }, request) => {
  const resultKey = `${key}-canary`;
  const begun = (await deps.processedEvents.read(resultKey))?.outcome as Begun | undefined; // stored below
  const { reason, ...serviceEnvironment } = await targetOf(deps, request);
  const found =
    begun === undefined ? await runningIn(deps, caller, serviceEnvironment) : await deps.canaries.get(begun.id);
  if (found === undefined) throw new Declined('The canary no longer exists. Nothing was done.');
  const { id, sequence } = found;
  if (begun === undefined) await deps.processedEvents.store(resultKey, { id, sequence } satisfies Begun);
  const { kind } = request;
  // A repeated promotion would skip one more step.
  const isRepeat = begun !== undefined && kind === 'promote' && hasTaken(found, begun);
  if (!isRepeat) await requestCanaryCommand(deps, caller, id, { kind, reason, full: false });
  return doneTo(found, kind, reason);
};

const doneTo = (
  { id, service, environment, version }: Canary,
  kind: CanaryCommandKind,
  reason: string | null,
): Outcome =>
  answered({ bold: `${service} in ${environment}` }, `: ${version} ${DONE[kind]}${reasonWords(reason)}. Canary ${id}.`);

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
  const found = await deps.canaries.get(id);
  if (found === undefined) throw new Declined('The canary no longer exists. Nothing was done.');
  caller.allow('canaries:write', found);
  if (kind === 'promote' && hasTaken(found, { id, sequence })) {
    if (isRepeat || found.sequence === sequence) return doneTo(found, kind, null);
    throw new Declined(
      `The canary has gone on since: ${found.version} has ${found.weight} % of the traffic, and is ${found.status}. Nothing was done.`,
    );
  }
  if (!isRepeat) await deps.processedEvents.store(resultKey, { id, sequence } satisfies Begun);
  await requestCanaryCommand(deps, caller, id, { kind, reason: null, full: false });
  return doneTo(found, kind, null);
};

/** Returns whether the workflow has, or had, a request for promotion since the first delivery. */
const hasTaken = ({ sequence, command, skip, full }: CanaryRecord, begun: Begun): boolean =>
  sequence !== begun.sequence || command !== null || skip || full;

/** @throws Declined if there is not exactly one such canary */
async function runningIn(
  deps: CommandDeps,
  caller: Caller,
  { service, environment }: Omit<Target, 'reason'>,
): Promise<CanaryRecord> {
  if (environment !== null) caller.allow('canaries:write', { service, environment });
  const running = (await deps.canaries.running()).filter(
    (one) =>
      one.service === service &&
      (environment ?? one.environment) === one.environment &&
      !isFinal(one) &&
      isPermitted(caller, 'canaries:write', one),
  );
  const [only, ...others] = running;
  const where = environment === null ? service : `${service} in ${environment}`;
  if (only === undefined) {
    caller.allow('canaries:write', { service, ...(environment !== null && { environment }) });
    throw new Declined(`No canary of ${where} is in progress. Nothing was done.`);
  }
  if (others.length > 0)
    throw new Declined(
      `${service} has canaries in ${running.map((one) => one.environment).join(', ')}: name the environment. Nothing was done.`,
    );
  return only;
}
