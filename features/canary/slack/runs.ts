import { requestCanaryCommand } from '../actions/canaries.ts';
import { environmentNamed } from '../../../core/domain/catalogue/known-names.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { isFinal } from '../decisions/progress.ts';
import type { ChatButton, Text } from '../../../core/domain/messages/chat-message.ts';
import type { Canary, CanaryCommandKind, CanaryRecord } from '../canary.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { CommandDeps } from '../../../entrances/slack/deps.ts';
import { isPermitted } from '../../../entrances/slack/execution/caller.ts';
import { answered, Declined, message, type Outcome, reasonWords } from '../../../entrances/slack/outcome.ts';
import { knownEnvironment, knownService } from '../../../entrances/slack/commands/known-service.ts';
import { noEnvironment } from '../../../entrances/slack/commands/deploys.ts';
import type { RunVerb } from '../../../entrances/slack/commands/verb.ts';
import { type CanaryPorts, withPorts } from '../ports.ts';
import type { Listed, Pressed, Requested } from './verbs.ts';
import { minuteText } from '../../../schemas/time/time.ts';

type Target = { service: ServiceName; environment: EnvironmentName | null; reason: string | null };

/** @throws Declined if the service is unknown */
async function targetOf(deps: CommandDeps, { service: name, environment, reason, rest }: Requested): Promise<Target> {
  const service = await knownService(deps, name);
  const { services } = await deps.config.current();
  const environments = Object.keys(serviceEntry(services, service)?.environments ?? {});
  // Also recognize environments of other services: as the first word of the reason, they would be ignored, and the request
  // would apply to another environment.
  const allEnvironments = new Set(Object.values(services).flatMap((entry) => Object.keys(entry.environments)));
  const isEnvironment =
    environment === null && rest !== null && environmentNamed(rest.first, allEnvironments) !== undefined;
  const named = isEnvironment ? rest.first : environment;
  const known = named === null ? null : await knownEnvironment(deps, { service, environment: named });
  if (known !== null && !environments.includes(known)) throw noEnvironment(service, known, environments);
  return {
    service,
    environment: known,
    reason: reason ?? (isEnvironment ? rest.others : (rest?.all ?? null)),
  };
}

const SHOWN_MAX = 8;

const runCanaries: RunVerb<Listed> = async (core, { caller }, request) => {
  const deps = withPorts(core);
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
  `\n${canary.ended_at === null ? '▶️' : '•'} ${minuteText(canary.started_at)} ${canary.service} ${canary.environment} `,
  { bold: canary.version },
  ` ${canary.status} at ${canary.weight} % beside ${canary.stable_version}: ${canary.reason}`,
];

/** The canary of a request, stored so that a repeated delivery does not search again: another canary may have started. */
type StartedRequest = Pick<CanaryRecord, 'id' | 'sequence'>;

const EFFECT_TEXTS: Record<CanaryCommandKind, string> = {
  promote: 'gets its next share of the traffic now',
  hold: 'keeps its share of the traffic until someone promotes it',
  abort: 'is aborted: all traffic goes back to the stable version',
};

const runCanary: RunVerb<Requested> = async (core, { caller, key }, request) => {
  const deps = withPorts(core);
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

/** A promotion applies to the share that the button was shown with; a hold or an abort applies to any. */
const runCanaryButton: RunVerb<Pressed> = async (core, { caller, key }, { kind, canary: id, sequence }) => {
  const deps = withPorts(core);
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
  deps: Pick<CanaryPorts, 'canaries'>,
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

/** Execute the verbs in `verbs.ts`. */
export const runs = { canaries: runCanaries, canary: runCanary, canary_button: runCanaryButton };
