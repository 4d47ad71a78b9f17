import { randomUUID } from 'node:crypto';
import { specHash } from './checksum.ts';
import type { Canary, CanaryStatus } from './objects.ts';
import { type Deployment, type DeploymentSpec, type PodTemplate, timeText } from '../objects.ts';
import type { Item, ClusterObjects } from '../cluster-state.ts';

/** The results of webhooks and metrics in one check. */
export type Check = {
  /** Response status of the webhook of each type. Absent if it was unreachable, which counts as a refusal. */
  answers: Partial<Record<'confirm-rollout' | 'confirm-promotion' | 'rollback', number>>;
  metrics: 'passed' | 'failed';
};

type Run = {
  objects: ClusterObjects;
  item: Item<Canary>;
  target: Item<Deployment>;
  primary: Item<Deployment>;
  now: number;
};

const PHASES_IN_PROGRESS = ['Progressing', 'WaitingPromotion', 'Promoting', 'Finalising'];

/**
 * Runs one check of a canary as Flagger's controller does, in a cluster every `analysis.interval`. Each check does one
 * step.
 *
 * @see https://docs.flagger.app/usage/how-it-works
 */
export function checkCanary(objects: ClusterObjects, item: Item<Canary>, check: Check, now: number): void {
  const { spec, metadata } = item.object;
  const target = objects.find<Deployment>('Deployment', metadata.namespace, spec.targetRef.name);
  if (spec.suspend === true || target === undefined) return;
  const primary =
    objects.find<Deployment>('Deployment', metadata.namespace, `${spec.targetRef.name}-primary`) ??
    createPrimary(objects, item.object, target.object, now);
  const run: Run = { objects, item, target, primary, now };
  const phase = item.object.status.phase ?? '';
  if (phase === '' || phase === 'Initializing') return initialize(run);
  const isInProgress = PHASES_IN_PROGRESS.includes(phase);
  if (!isInProgress && phase !== 'Waiting' && !hasChanged(run)) return;
  const isPromoting = phase === 'Promoting' || phase === 'Finalising';
  const readiness = readinessOf(primary.object);
  if (readiness === 'stuck') return isPromoting ? failPromotion(run) : rollBack(run);
  if (readiness === 'waits') return;
  if (!isInProgress) return begin(run, check);
  return isPromoting ? finishPromotion(run) : advance(run, check);
}

function initialize(run: Run): void {
  if (readinessOf(run.primary.object) !== 'ready') return updateStatus(run, { phase: 'Initializing' });
  const hash = specHash(run.target.object.spec.template);
  changeSpec(run, run.target, { replicas: 0 });
  updateStatus(run, {
    phase: 'Initialized',
    ...RESET_COUNTS,
    trackedConfigs: {},
    lastAppliedSpec: hash,
    lastPromotedSpec: hash,
  });
}

const RESET_COUNTS = { canaryWeight: 0, failedChecks: 0, iterations: 0 };

function begin(run: Run, { answers }: Check): void {
  const { target, primary } = run;
  if (!isPassed(run, 'confirm-rollout', answers)) return updateStatus(run, { phase: 'Waiting' });
  changeSpec(run, target, { replicas: primary.object.spec.replicas });
  updateStatus(run, { phase: 'Progressing', ...RESET_COUNTS, lastAppliedSpec: specHash(target.object.spec.template) });
}

/** Returns whether the target's pod template has changed. The last promoted template does not count as a change. */
function hasChanged({ target, item: { object } }: Run): boolean {
  const { lastAppliedSpec, lastPromotedSpec } = object.status;
  const hash = specHash(target.object.spec.template);
  return hash !== lastPromotedSpec && hash !== lastAppliedSpec;
}

function advance(run: Run, { answers, metrics }: Check): void {
  const { target, item, primary } = run;
  const { spec, status } = item.object;
  const { maxWeight, stepWeight, threshold } = spec.analysis;
  const weight = status.canaryWeight ?? 0;
  const failedChecks = status.failedChecks ?? 0;
  if (hasChanged(run))
    return updateStatus(run, {
      phase: 'Progressing',
      ...RESET_COUNTS,
      lastAppliedSpec: specHash(target.object.spec.template),
    });
  const readiness = readinessOf(target.object);
  if (readiness === 'stuck') return rollBack(run);
  if (spec.skipAnalysis === true) {
    copyToPrimary(run, primary);
    changeSpec(run, target, { replicas: 0 });
    return updateStatus(run, { phase: 'Succeeded', ...RESET_COUNTS, lastPromotedSpec: status.lastAppliedSpec ?? '' });
  }
  if (hasWebhook(run, 'rollback') && isPassed(run, 'rollback', answers)) return rollBack(run);
  if (failedChecks >= threshold && failedChecks > 0) return rollBack(run);
  if (readiness === 'waits') return;
  if (metrics === 'failed') return updateStatus(run, { failedChecks: failedChecks + 1 });
  if (weight < maxWeight) return updateStatus(run, { canaryWeight: Math.min(maxWeight, weight + stepWeight) });
  if (!isPassed(run, 'confirm-promotion', answers)) return updateStatus(run, { phase: 'WaitingPromotion' });
  copyToPrimary(run, primary);
  updateStatus(run, { phase: 'Promoting' });
}

/** Completes a promotion: the primary has all traffic again, so the target's pods are scaled down. */
function finishPromotion(run: Run): void {
  const { phase, lastAppliedSpec = '' } = run.item.object.status;
  if (phase === 'Promoting') return updateStatus(run, { phase: 'Finalising', canaryWeight: 0 });
  changeSpec(run, run.target, { replicas: 0 });
  updateStatus(run, { phase: 'Succeeded', ...RESET_COUNTS, lastPromotedSpec: lastAppliedSpec });
}

function rollBack(run: Run): void {
  changeSpec(run, run.target, { replicas: 0 });
  const lastAppliedSpec = specHash(run.target.object.spec.template);
  updateStatus(run, { phase: 'Failed', ...RESET_COUNTS, lastAppliedSpec });
}

/** Fails a promotion. The canary is the only working copy, so it gets all traffic. */
const failPromotion = (run: Run): void => updateStatus(run, { phase: 'Failed', ...RESET_COUNTS, canaryWeight: 100 });

const hasWebhook = ({ item }: Run, type: string): boolean =>
  item.object.spec.analysis.webhooks.some((webhook) => webhook.type === type);

/**
 * Returns whether the webhooks of a type pass. A type without webhooks passes. Flagger counts every status above 202 as
 * a refusal.
 */
function isPassed(run: Run, type: keyof Check['answers'], answers: Check['answers']): boolean {
  const status = answers[type];
  return !hasWebhook(run, type) || (status !== undefined && status <= 202);
}

/** Returns the readiness of a Deployment, by the rules of `kubectl rollout status`. */
function readinessOf({ metadata, spec, status }: Deployment): 'ready' | 'waits' | 'stuck' {
  if ((status.observedGeneration ?? 0) < metadata.generation) return 'waits';
  if (status.conditions?.some(({ reason }) => reason === 'ProgressDeadlineExceeded') === true) return 'stuck';
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const isDone = updatedReplicas >= spec.replicas && replicas <= updatedReplicas && availableReplicas >= spec.replicas;
  return isDone ? 'ready' : 'waits';
}

function createPrimary(objects: ClusterObjects, canary: Canary, target: Deployment, now: number): Item<Deployment> {
  const { name, namespace, uid } = canary.metadata;
  const owner = { apiVersion: canary.apiVersion, kind: canary.kind, name, uid, controller: true };
  const { spec } = target;
  return objects.create<Deployment>(
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: `${target.metadata.name}-primary`, namespace, ownerReferences: [owner] },
      spec: {
        ...spec,
        replicas: Math.max(1, spec.replicas),
        selector: { matchLabels: primaryLabels(target, spec.selector.matchLabels) },
        template: primaryTemplate(target),
      },
      status: {},
    },
    now,
  );
}

/** Copies the target's spec to the primary, and removes the primary's own annotations. */
function copyToPrimary(run: Run, primary: Item<Deployment>): void {
  const { annotations: _annotations, ...metadata } = primary.object.metadata;
  run.objects.replace(primary, { ...primary.object, metadata });
  const { replicas, revisionHistoryLimit, progressDeadlineSeconds } = run.target.object.spec;
  const template = primaryTemplate(run.target.object);
  changeSpec(run, primary, { replicas, revisionHistoryLimit, progressDeadlineSeconds, template });
}

/** Returns the primary's pod template. It is always different from the previous one, so that new pods are created. */
function primaryTemplate({ metadata, spec }: Deployment): PodTemplate {
  const { labels = {}, annotations } = spec.template.metadata ?? {};
  return {
    ...spec.template,
    metadata: {
      ...spec.template.metadata,
      labels: primaryLabels({ metadata, spec }, labels),
      annotations: { ...annotations, 'flagger-id': randomUUID() },
    },
  };
}

/** Returns the primary's labels. The label in the target's selector gets a different value for the primary. */
function primaryLabels({ spec }: Pick<Deployment, 'metadata' | 'spec'>, labels: Record<string, string>) {
  const ownLabel = ['app', 'name', 'app.kubernetes.io/name'].find((label) => label in spec.selector.matchLabels);
  return ownLabel === undefined
    ? labels
    : { ...labels, [ownLabel]: `${spec.selector.matchLabels[ownLabel] ?? ''}-primary` };
}

function changeSpec({ objects, now }: Run, item: Item<Deployment>, spec: Partial<DeploymentSpec>): void {
  const { object } = item;
  const metadata = { ...object.metadata, generation: object.metadata.generation + 1 };
  objects.replace(item, { ...object, metadata, spec: { ...object.spec, ...spec } });
  item.work.changedAt = now;
}

function updateStatus({ objects, item, now }: Run, status: CanaryStatus): void {
  const lastTransitionTime = timeText(now);
  objects.replace(item, { ...item.object, status: { ...item.object.status, ...status, lastTransitionTime } });
}
