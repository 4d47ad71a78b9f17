import { isSameActor } from '../../domain/access/actor-identity.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { LastRequests, DecisionView, IncidentView } from '../../../schemas/incidents/incident.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { minuteText, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { Refusal } from '../../domain/refusal.ts';

/** Actions by which a person takes over an incident. */
export const RESPONSE_ACTIONS = ['rollback', 'pause', 'resume', 'abort', 'resolve', 'reopen', 'publish'] as const;
export type ResponseAction = (typeof RESPONSE_ACTIONS)[number];

/** `fulfilled`: the state is already as requested, so that nothing is done. */
export type ActionRequest = { fulfilled: boolean; idempotencyKey?: string };

/**
 * Returns whether an action is still needed, and its key, so that a double click executes nothing twice.
 *
 * @throws Refusal 409 if the action is not possible now
 */
export async function actionRequestOf(
  deps: Pick<Deps, 'automation' | 'incidents' | 'decisions' | 'clock'>,
  { action, to, shown }: { action: ResponseAction; to?: Version; shown?: Version },
  incident: IncidentView,
  by: string,
): Promise<ActionRequest> {
  if (action === 'publish') return { fulfilled: false, idempotencyKey: 'publish' };
  if (action === 'resolve') return { fulfilled: incident.status === 'resolved' };
  if (action === 'reopen') return { fulfilled: incident.status !== 'resolved' };
  if (incident.status === 'resolved') return { fulfilled: false };
  const isSwitch = action === 'pause' || action === 'resume' || action === 'abort';
  if (isSwitch) return switchRequestOf(deps, incident, action);
  if (action !== 'rollback') return { fulfilled: false };
  await refuseWhilePaused(deps);
  if (await isRollingBack(deps, incident, by, to ?? shown)) return { fulfilled: true };
  const last = justRolledBack(incident, deps.clock.now());
  if (to !== undefined && last?.to_version === to) return { fulfilled: true };
  // A request that names another version is not a double click.
  if (to === undefined && last !== undefined) {
    throw new Refusal(
      409,
      'just-rolled-back',
      `a person rolled this back within the last ${DOUBLE_CLICK_SECONDS} seconds; to go back further, repeat the request later`,
    );
  }
  if (shown !== undefined) await refuseWhileAnotherIsRequested(deps, incident, shown);
  const judgements = (await deps.incidents.read(incident.id))?.mitigations ?? 0;
  // Until the decision is made, repeated requests have the same key.
  return { fulfilled: false, idempotencyKey: `rollback-after-${judgements}${to === undefined ? '' : `-to-${to}`}` };
}

/** @throws Refusal 409 if the kill switch is on */
export async function refuseWhilePaused({ automation }: Pick<Deps, 'automation'>): Promise<void> {
  if (!(await automation.read()).paused) return;
  throw new Refusal(
    409,
    'automation-paused',
    'the kill switch is on, so Firebreak rolls nothing back; resume automation first',
  );
}

/** Returns whether the same switch was the last one, and no question has been asked since. */
async function switchRequestOf(
  deps: Pick<Deps, 'incidents'>,
  { id, decisions }: IncidentView,
  action: NonNullable<LastRequests['switched']>['action'],
): Promise<ActionRequest> {
  const incident = await deps.incidents.read(id);
  const last = incident?.last_requests?.switched;
  const isInEffect = last?.action === action && incident?.automation_paused === (action !== 'resume');
  const hasOpenQuestion = action === 'abort' && decisions.some(({ state }) => state === 'waiting');
  const idempotencyKey = `${action}-since-${last === undefined ? 'none' : `${last.action}-${last.at}`}`;
  return {
    fulfilled: isInEffect && !hasOpenQuestion,
    idempotencyKey: hasOpenQuestion ? `${idempotencyKey}-with-${decisions.length}` : idempotencyKey,
  };
}

/**
 * Returns whether the rollback that this person requested is in progress.
 *
 * @throws Refusal 409 if another one is, because it changes the running version
 */
async function isRollingBack(
  deps: Pick<Deps, 'decisions'>,
  { id, effects, decisions }: IncidentView,
  by: string,
  requestedTarget: Version | undefined,
): Promise<boolean> {
  const running = effects.findLast(
    ({ kind, state }) => kind === 'roll-back' && (state === 'intended' || state === 'accepted'),
  );
  if (running === undefined) return false;
  const number = Number(running.key.split('.').at(-1));
  const request = (await deps.decisions.inputs(id, number))?.request;
  const { from_version: from, to_version: to } = decisions.find(({ id: own }) => own === `${id}-${number}`) ?? {};
  const isSameTarget = requestedTarget === undefined || requestedTarget === to;
  if (request?.by === 'person' && isSameActor(request.name, by) && isSameTarget) return true;
  const requesterText = request?.by === 'person' ? `, requested by ${request.name},` : '';
  throw new Refusal(
    409,
    'rollback-in-progress',
    `the rollback of ${from ?? 'this service'} to ${to ?? 'an earlier version'}${requesterText} has been in progress since ${running.at}; wait until it ends, and repeat the request to go back further`,
  );
}

/**
 * Refuses a request while another rollback was requested moments ago and is not decided yet.
 *
 * @throws Refusal 409
 */
async function refuseWhileAnotherIsRequested(
  { incidents, clock }: Pick<Deps, 'incidents' | 'clock'>,
  { id, decisions }: IncidentView,
  shown: Version,
): Promise<void> {
  const last = (await incidents.read(id))?.last_requests?.rollback;
  if (last === undefined || secondsBetween(last.at, clock.now()) >= DOUBLE_CLICK_SECONDS) return;
  if (decisions.some(({ at }) => at > last.at)) return;
  const { from, to } = last;
  if (to === null || to === shown) return;
  throw new Refusal(
    409,
    'rollback-in-progress',
    `a rollback of ${from ?? 'this service'} to ${to} was requested by ${last.by} at ${minuteText(last.at)}; wait until it ends, and repeat the request for ${shown}`,
  );
}

/** Seconds in which a second request counts as a double click. It would otherwise roll back the restored version. */
const DOUBLE_CLICK_SECONDS = 60;

/** Returns the decision of a rollback that a person requested within this time. Undefined: there is none. */
function justRolledBack({ decisions, effects }: IncidentView, now: Timestamp): DecisionView | undefined {
  const last = decisions.at(-1);
  const isJustRolledBack = effects.some(
    ({ kind, state, at }) =>
      kind === 'roll-back' && state === 'succeeded' && secondsBetween(at, now) < DOUBLE_CLICK_SECONDS,
  );
  return isJustRolledBack && last?.because === 'requested_by_person' ? last : undefined;
}
