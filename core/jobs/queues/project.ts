import { setTimeout as sleep } from 'node:timers/promises';
import { FEATURES } from '../../../features/index.ts';
import type { FeatureProjection } from '../../../features/manifest.ts';
import { type Creation, type ProjectorDeps, PROJECTORS } from '../../../vendors/projectors.ts';
import { sync } from '../../projectors/sync.ts';
import { type ProjectionTargetName, WakeMessage } from '../../../schemas/incidents/projection.ts';
import type { ProjectDeps } from './project-deps.ts';
import type { Projector } from '../../projectors/sync.ts';
import type { Batch, FailedMessage } from '../../../platforms/queues.ts';
import { handleBatch } from './queue-batch.ts';
import { parseJson } from '../../../schemas/parsing/json.ts';

/**
 * Syncs the due subjects of a target, such as incidents. Each target has a queue that wakes it. A message only names the
 * target, so lost or repeated messages are harmless.
 */
export function project(deps: ProjectDeps, batch: Batch): Promise<FailedMessage[]> {
  const syncs = new Map<ProjectionTargetName, Promise<void>>();
  return handleBatch(deps, batch, async ({ body }) => {
    const target = targetOf(body);
    if (target === undefined) return true;
    const running = syncs.get(target) ?? startSync(target, deps);
    syncs.set(target, running);
    await running;
    return true;
  });
}

function startSync(target: ProjectionTargetName, deps: ProjectDeps): Promise<void> {
  const core: Creation<ProjectorDeps> | undefined = CORE[target];
  const own = FEATURES.flatMap(({ projections = [] }) => projections).filter((one) => one.target === target);
  const parallel = core?.parallel ?? own.find(({ kind }) => kind === undefined)?.parallel;
  return sync(
    target,
    deps,
    withFeatures(own, deps, core?.create(deps)),
    parallel === undefined ? undefined : { subjects: parallel, pause },
  );
}

const CORE: Readonly<Partial<Record<ProjectionTargetName, Creation<ProjectorDeps>>>> = PROJECTORS;

/** Returns the projector of a target, which also shows the subjects of features. It settles those that nobody shows. */
function withFeatures(own: readonly FeatureProjection[], deps: ProjectDeps, core: Projector | undefined): Projector {
  const loaded = new Map<FeatureProjection, Promise<Projector>>();
  return async (subject, session) => {
    const projection = own.find(({ kind }) => kind === undefined || subject.startsWith(`${kind}:`));
    if (projection === undefined) return core?.(subject, session);
    const loading = loaded.get(projection) ?? projection.create(deps);
    loaded.set(projection, loading);
    return (await loading)(subject, session);
  };
}

/** Waits between checks for new subjects while others are in progress. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> => sleep(milliseconds, undefined, { signal });

/** Returns the target of a message. Only Firebreak writes to this queue, so an invalid message is ignored. */
const targetOf = (body: string): ProjectionTargetName | undefined =>
  WakeMessage.safeParse(parseJson(body)).data?.target;
