import { newestOf, whyNameUnclear } from '../../../core/domain/changes/identified-versions.ts';
import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { commitForDeployer } from '../../../core/domain/changes/deploy-repository.ts';
import { whyNoLook } from '../../../core/domain/look/may-look.ts';
import {
  LOOK_SECONDS,
  type LookPair,
  type LookResult,
  MIN_SHARED_SECONDS,
  resultOfInstances,
  resultOfMetrics,
  undecided,
} from '../../../core/domain/look/verdict.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { LookRequest, LookResponse, LookTarget } from '../../../core/domain/rollback/targets.ts';
import type { IncidentId, Version } from '../../../schemas/config/names.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { Look } from '../../../schemas/incidents/look.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import type { Run } from '../../run.ts';
import { wake } from '../../wake.ts';
import { judgeSettings } from '../judge/judge-version.ts';
import { requestJudgement } from '../late-changes.ts';
import { deployerAt } from '../roll-back.ts';
import { withdrawQuestion } from '../withdraw-questions.ts';
import { measureLook } from './measure.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** `by`: who requested the look. Automation: `firebreak`. */
export type LookOrder = { incidentId: IncidentId; number: number; by: string };

/** Seconds between two polls. The world is measured in real time, whatever `FIREBREAK_TIME_SCALE` says. */
const POLL_SECONDS = 15;

/** Seconds until another attempt at the target, also real time. */
const RETRY_SECONDS = 5;

/** Attempts in a row at which the target gives no usable answer. */
const TRIES = 4;

/** Seconds after the end of a look in which the target still removes the instances by itself. */
const MARGIN_SECONDS = 60;

/** Attempts to remove the instances. After them, their deadline ends them. */
const END_TRIES = 12;

/** How a look ended. */
type Ended = LookResult & { curves: Look['curves'] };

type RemovalDeps = Pick<Deps, 'config' | 'decisions' | 'effects' | 'looks' | 'targets'>;
type ConclusionDeps = Pick<Deps, 'clock' | 'decisions' | 'effects' | 'engine' | 'incidents' | 'looks'>;

/**
 * Tests the suspect of a question: runs one fresh instance of its version beside one of the old version, compares them, removes
 * both, and then has the incident judged again with the result. Ends early once the question is answered.
 */
export async function testVersions(run: Run, order: LookOrder, deps: Deps): Promise<void> {
  const ended = await followLook(run, order, deps);
  if (ended === null) return;
  for (let attempt = 0; attempt < END_TRIES; attempt += 1) {
    const { gone, seconds } = await run.step('end-look', () => removeOnce(deps, order));
    if (gone) break;
    await run.wait('end-look-again', { seconds });
  }
  await run.step('conclude-look', () => concludeLook(deps, order, ended));
}

/** @returns null if the look of this question has ended before, or its question is gone */
async function followLook(run: Run, order: LookOrder, deps: Deps): Promise<Ended | null> {
  for (let attempt = 0; ; attempt += 1) {
    const began = await run.step('begin-look', () => beginLook(deps, order, attempt === TRIES - 1));
    if (began.kind === 'over') return null;
    if (began.kind === 'ended') return began.ended;
    if (began.kind === 'began') break;
    await run.wait('begin-look-again', { seconds: began.seconds });
  }
  for (;;) {
    const looked = await run.step('look', () => lookOnce(deps, order));
    if (looked.kind === 'over') return null;
    if (looked.kind === 'ended') return looked.ended;
    await run.wait('look-again', { seconds: looked.seconds });
  }
}

/** `later`, `running`: to be repeated after so many seconds of the workflow. `over`: there is nothing to test. */
type Began = { kind: 'began' } | { kind: 'later'; seconds: number } | Over;
type Looked = { kind: 'running'; seconds: number } | Over;
type Over = { kind: 'over' } | { kind: 'ended'; ended: Ended };

const refused = (text: string): Extract<Over, { kind: 'ended' }> => ({
  kind: 'ended',
  ended: { verdict: 'refused', text: `not tested: ${text}`, metric: null, curves: null },
});

/** Checks whether a look is possible, and records its beginning. */
async function beginLook(deps: Deps, { incidentId: id, number, by }: LookOrder, isLast: boolean): Promise<Began> {
  const later = { kind: 'later', seconds: RETRY_SECONDS * deps.timeScale } as const;
  const [known, decision, inputs] = await Promise.all([
    deps.looks.get(id, number),
    deps.decisions.get(id, number),
    deps.decisions.inputs(id, number),
  ]);
  if (known?.ended_at === null) return { kind: 'began' };
  if (known !== undefined || decision === undefined || inputs === undefined) return { kind: 'over' };
  const { target, from_version: suspect, to_version: other } = decision;
  if (target === null || suspect === null || other === null) return { kind: 'over' };
  const begun: Look = {
    number,
    ...target,
    suspect,
    other,
    by,
    started_at: deps.clock.now(),
    seconds: LOOK_SECONDS,
    ended_at: null,
    verdict: null,
    text: '',
    curves: null,
  };
  const why = whyNoLook(decision, inputs);
  if (why !== null) return rememberRefusal(deps, id, begun, why);
  const lookTarget = await targetOf(deps, begun);
  if (lookTarget === undefined)
    return rememberRefusal(deps, id, begun, 'the deployer cannot run instances of two versions');
  const moved = await movedIn(deps, id, begun);
  if (moved !== null) return rememberRefusal(deps, id, begun, moved);
  const plan = await lookTarget.look.plan(await requestOf(deps, id, begun, decision));
  if (plan.kind === 'later' && !isLast) return later;
  if (plan.kind !== 'possible') return rememberRefusal(deps, id, begun, whyNot(plan));
  const tooLittle = await tooLittleTraffic(deps, begun, plan.replicas);
  if (tooLittle !== null) return rememberRefusal(deps, id, begun, tooLittle);
  const { minRequests } = judgeSettings(deps, await deps.config.current(), begun);
  const detail =
    `Testing ${suspect} against ${other}: one fresh instance of each for at most ${LOOK_SECONDS / 60} minutes; ` +
    `each gets about 1 in ${plan.replicas + 2} requests and needs ${minRequests}`;
  await deps.effects.intend(
    id,
    {
      key: effectKey(number),
      kind: 'look',
      target: lookTarget.target,
      class: 'convergent',
      detail,
      ...(lookTarget.standIn && { stand_in: true as const }),
    },
    { counts: by === 'firebreak' },
  );
  await deps.looks.begin(id, begun);
  await deps.incidents.note(id, `look-${number}-started`, {
    at: begun.started_at,
    actor: by,
    kind: 'look.started',
    text: detail,
    detail: { number, suspect, other, seconds: LOOK_SECONDS, replicas: plan.replicas, min_requests: minRequests },
  });
  return { kind: 'began' };
}

/** A look that was refused is recorded as well, so that it is not tried again, and the next question says why. */
async function rememberRefusal(deps: Deps, id: IncidentId, begun: Look, why: string): Promise<Began> {
  await deps.looks.begin(id, begun);
  return refused(why);
}

/** Returns why the two instances would get too few requests. Null: they would not, or the traffic is not known. */
async function tooLittleTraffic(deps: Deps, tested: Look, replicas: number): Promise<string | null> {
  const config = await deps.config.current();
  const traffic = environmentEntry(config.services, tested)?.health?.traffic;
  const answer = traffic === undefined ? null : await deps.metrics.value(traffic);
  if (answer?.kind !== 'value') return null;
  const { minRequests } = judgeSettings(deps, config, tested);
  const expected = (answer.value * MIN_SHARED_SECONDS) / (replicas + 2);
  return expected >= minRequests
    ? null
    : `each instance would get about ${Math.round(expected)} requests in ${LOOK_SECONDS / 60} minutes, and ${minRequests} are needed`;
}

/** Starts or reads the instances, and compares them. */
async function lookOnce(deps: Deps, { incidentId: id, number }: LookOrder): Promise<Looked> {
  const running = { kind: 'running', seconds: POLL_SECONDS * deps.timeScale } as const;
  const [known, decision, incident] = await Promise.all([
    deps.looks.get(id, number),
    deps.decisions.get(id, number),
    deps.incidents.read(id),
  ]);
  if (known === undefined || decision === undefined) return { kind: 'over' };
  if (known.ended_at !== null) return { kind: 'over' };
  if (incident === undefined || incident.status === 'resolved' || decision.state !== 'waiting')
    return end({ verdict: 'skipped', text: 'the test ended early: the question was answered', metric: null });
  if (incident.automation_paused || (await deps.automation.read()).paused) return refused('automation was paused');
  const lookTarget = await targetOf(deps, known);
  if (lookTarget === undefined) return refused('the deployer is not configured any more');
  const now = deps.clock.now();
  const isOver = secondsBetween(known.started_at, now) >= LOOK_SECONDS;
  const response = await lookTarget.look.start(await requestOf(deps, id, known, decision));
  if (response.kind === 'later' && !isOver) return running;
  if (response.kind !== 'running') return refused(whyNot(response));
  const pair: LookPair = response;
  const alone = resultOfInstances(pair, known, { startedAt: known.started_at, now });
  if (alone !== null) return end(alone);
  if (pair.suspect.state !== 'ready' || pair.other.state !== 'ready')
    return isOver ? end(undecided([], known)) : running;
  const { metrics, windows, curves } = await measureLook(deps, known, pair);
  const result = resultOfMetrics(metrics, known, windows) ?? (isOver ? undecided(metrics, known) : null);
  return result === null ? running : end(result, curves);
}

const end = (
  result: LookResult,
  curves: readonly NonNullable<Look['curves']>[] = [],
): Extract<Over, { kind: 'ended' }> => ({
  kind: 'ended',
  ended: { ...result, curves: curves.find(({ metric }) => metric === result.metric) ?? curves[0] ?? null },
});

function whyNot(response: Exclude<LookResponse, { kind: 'running' }>): string {
  switch (response.kind) {
    case 'superseded':
      return `${response.current} is running now`;
    case 'refused':
    case 'later':
      return response.detail;
    case 'ending':
    case 'gone':
      return 'its instances were removed before it ended';
  }
}

/** As `removeInstances`. `seconds`: of the workflow until another attempt. */
async function removeOnce(
  deps: RemovalDeps & Pick<Deps, 'timeScale'>,
  order: LookOrder,
): Promise<{ gone: boolean; seconds: number }> {
  return { gone: await removeInstances(deps, order), seconds: RETRY_SECONDS * deps.timeScale };
}

/** Removes the instances of a look. Returns whether none is left. Safe to repeat. */
export async function removeInstances(
  deps: RemovalDeps,
  { incidentId: id, number }: Pick<LookOrder, 'incidentId' | 'number'>,
): Promise<boolean> {
  const [known, decision, effect] = await Promise.all([
    deps.looks.get(id, number),
    deps.decisions.get(id, number),
    deps.effects.get(id, effectKey(number)),
  ]);
  if (known === undefined || decision === undefined || effect?.state !== 'intended') return true;
  const lookTarget = await targetOf(deps, known);
  if (lookTarget === undefined) return true;
  const response = await lookTarget.look.end(await requestOf(deps, id, known, decision));
  return response.kind === 'gone' || response.kind === 'refused';
}

/**
 * Removes the instances of all looks of an incident that have not ended, before it is rolled back. `seconds`: of the workflow until
 * another attempt.
 */
export async function removeAllInstances(
  deps: RemovalDeps & Pick<Deps, 'timeScale'>,
  id: IncidentId,
): Promise<{ gone: boolean; seconds: number }> {
  const open = (await deps.looks.list(id)).filter(({ ended_at: at }) => at === null);
  const gone = await Promise.all(open.map(({ number }) => removeInstances(deps, { incidentId: id, number })));
  return { gone: gone.every(Boolean), seconds: RETRY_SECONDS * deps.timeScale };
}

/** Records the result, and has the incident judged with it. Safe to repeat. */
export async function concludeLook(
  deps: ConclusionDeps,
  { incidentId: id, number }: Pick<LookOrder, 'incidentId' | 'number'>,
  { verdict, text, curves }: Pick<Ended, 'verdict' | 'text' | 'curves'>,
): Promise<null> {
  const at = deps.clock.now();
  await deps.looks.end(id, number, { ended_at: at, verdict, text, curves });
  const known = await deps.looks.get(id, number);
  if (known === undefined) return null;
  if ((await deps.effects.get(id, effectKey(number)))?.state === 'intended')
    await deps.effects.conclude(
      id,
      effectKey(number),
      verdict === 'refused' ? 'withheld' : 'succeeded',
      'Removed the two instances of the test',
    );
  await deps.incidents.note(id, `look-${number}-ended`, {
    at,
    actor: 'firebreak',
    kind: 'look.ended',
    text: sentence(text),
    detail: { number, verdict, suspect: known.suspect, other: known.other, curves },
  });
  if (verdict !== 'skipped') await judgeWith(deps, id, number, text);
  return null;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Withdraws the question that was tested and requests another judgement, unless a person has answered meanwhile. */
async function judgeWith(deps: ConclusionDeps, id: IncidentId, number: number, text: string): Promise<void> {
  const waiting = await deps.decisions.get(id, number);
  if (waiting?.state === 'waiting')
    await withdrawQuestion(deps, id, waiting, { by: ACTOR, because: `${text}; the incident is judged again` });
  const asked = await deps.decisions.get(id, number);
  if (asked?.state !== 'withdrawn' || asked.answered_by !== ACTOR) return;
  await requestJudgement(deps, id, number, []);
  await wake(deps, id);
}

const ACTOR = 'firebreak';

export const effectKey = (number: number): string => `look-${number}`;

async function targetOf(
  deps: RemovalDeps,
  tested: Look,
): Promise<{ look: LookTarget; target: string; standIn: boolean } | undefined> {
  const deployer = await deployerAt(deps, tested);
  return deployer?.look && { look: deployer.look, target: deployer.target, standIn: deployer.standIn === true };
}

/** Returns why the target would start another commit than that of a version. Null: it would not. */
async function movedIn(
  { decisions }: Pick<Deps, 'decisions'>,
  id: IncidentId,
  { service, number, suspect, other }: Look,
): Promise<string | null> {
  const inputs = await decisions.inputs(id, number);
  const changes = inputs?.targets.find((one) => one.service === service)?.changes ?? [];
  const why = (version: Version) => whyNameUnclear(changes, version, { namesOnly: false });
  return why(suspect) ?? why(other);
}

async function requestOf(
  deps: RemovalDeps,
  id: IncidentId,
  tested: Look,
  decision: DecisionView,
): Promise<LookRequest> {
  const { service, environment, number, suspect, other } = tested;
  const [inputs, { services }] = await Promise.all([deps.decisions.inputs(id, number), deps.config.current()]);
  const changes = inputs?.targets.find((one) => one.service === service)?.changes ?? [];
  const deployer = environmentEntry(services, tested)?.deployer;
  const changeOf = (version: string) => newestOf(changes, version);
  const commitOf = (version: string): string | null => {
    const change = changeOf(version);
    return change === undefined ? null : commitForDeployer(change, deployer);
  };
  return {
    service,
    environment,
    incident: id,
    reason: truncated(`Firebreak tests ${suspect} against ${other}: ${decision.because}`, 500),
    key: `look-${id}-${number}`,
    from: changeOf(suspect)?.reported_version ?? suspect,
    to: changeOf(other)?.reported_version ?? other,
    fromCommit: commitOf(suspect),
    toCommit: commitOf(other),
    seconds: LOOK_SECONDS + MARGIN_SECONDS,
  };
}
