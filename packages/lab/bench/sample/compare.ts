import { decide } from '../../../../core/domain/rollback/rollback.ts';
import type { Decision, DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import type { MonitoredCase } from '../../evaluation/monitored/case.ts';
import { portsAt } from '../../evaluation/monitored/ports.ts';
import { inputsAt } from '../measurements/monitored.ts';
import type { Replayed } from './replay.ts';

/** What differs between the product and the evaluation about one case. */
export type Compared = {
  id: string;
  /** The product could not read the health of all services within its time limit, because the machine is busy. */
  isLate: boolean;
  /** Paths of the inputs that differ, with both values. */
  differences: { path: string; product: unknown; evaluation: unknown }[];
  /** Kind of the decision, and the change of the first suspect. */
  product: Concluded;
  evaluation: Concluded;
};
type Concluded = { kind: string; suspect: string | null };

/**
 * Fields that differ by nature: ids that the product gives, the time of a report's receipt, the version of the
 * configuration, and the sender, who is unknown to the evaluation.
 */
const BY_NATURE = new Set(['incident_id', 'config_version', 'recorded_at', 'sender_rollbacks_last_hour']);

/** Compares the inputs and the decision of the product with those of the evaluation at the same time of the world. */
export async function compared({ monitored, inputs, decision, changes }: Replayed): Promise<Compared> {
  const at = millisOf(inputs.evidence.at) / 1000 - monitored.world.epoch;
  const own = await inputsAt(monitored, at);
  const named = (id: string): string => changes.get(id)?.id ?? id;
  const theirs = JSON.parse(JSON.stringify(inputs), (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith('chg_') ? named(value) : value,
  ) as DecisionInputs;
  if (await isGroupingClose(monitored, at)) {
    const { group_rollback: groupRollback } = theirs;
    own.one_of_many = theirs.one_of_many;
    delete own.group_rollback;
    if (groupRollback !== undefined) own.group_rollback = groupRollback;
  }
  // The evaluation knows no groups of a dependency. Without a rollback, such a group changes no decision.
  if (theirs.group_rollback === null && !theirs.one_of_many) own.group_rollback = null;
  if (theirs.waits_left !== undefined) own.waits_left = theirs.waits_left;
  receivedAs(own, theirs);
  const again = decide(theirs);
  if (again.kind !== decision.kind)
    throw new Error(`${monitored.id}: the product decided ${decision.kind}, and by the stored inputs ${again.kind}`);
  return {
    id: monitored.id,
    isLate: inputs.evidence.failing_unreadable === true,
    differences: differencesOf(sorted(theirs), sorted(JSON.parse(JSON.stringify(own)) as DecisionInputs)),
    product: concluded(again),
    evaluation: concluded(decide(own)),
  };
}

/**
 * Gives changes and alerts the times at which the product received them. Replayed reports come later than those of the world, and
 * a change that is recorded late is weaker evidence.
 */
function receivedAs(own: DecisionInputs, theirs: DecisionInputs): void {
  const received = new Map(theirs.evidence.changes.map(({ change }) => [change.id, change.recorded_at]));
  own.evidence = {
    ...own.evidence,
    changes: own.evidence.changes.map((one) => ({
      ...one,
      change: { ...one.change, recorded_at: received.get(one.change.id) ?? one.change.recorded_at },
    })),
  };
  const known = [theirs.evidence, ...(theirs.evidence.related ?? [])];
  for (const [index, { onset }] of [own.evidence, ...(own.evidence.related ?? [])].entries()) {
    const at = known[index]?.onset.alertReceivedAt;
    if (at !== undefined) onset.alertReceivedAt = at;
  }
}

/** Seconds that the product may need from a notification to the opening of its incidents, on a busy machine. */
const OPENING_SECONDS = 30;

/**
 * Whether two incidents open about as far apart as `routes.manyAtOnce` looks back: 5 minutes by default, like the
 * `group_interval` of Alertmanager. Then milliseconds of the product decide whether they are one group, and neither the
 * product nor the evaluation is wrong.
 */
async function isGroupingClose(monitored: MonitoredCase, at: number): Promise<boolean> {
  const { deps } = portsAt(monitored, at);
  const { routes } = await deps.config.current();
  const window = routes.manyAtOnce.minutes * 60;
  const now = deps.clock.now();
  const openings = await deps.incidentGroups.newestOpenings({ since: plusSeconds(now, -2 * window), until: now });
  const times = openings.map((one) => millisOf(one.at) / 1000);
  return times.some((a) => times.some((b) => Math.abs(b - a - window) <= OPENING_SECONDS));
}

const concluded = ({ kind, suspects: [top] }: Decision): Concluded => ({ kind, suspect: top?.change_id ?? null });

/** Sorts lists whose order has no meaning. */
const sorted = (inputs: DecisionInputs): DecisionInputs => ({
  ...inputs,
  evidence: {
    ...inputs.evidence,
    changes: inputs.evidence.changes.toSorted((a, b) => order(a.change.id, b.change.id)),
    failing: inputs.evidence.failing.toSorted((a, b) => order(a.service, b.service)),
  },
  targets: inputs.targets.toSorted((a, b) => order(a.service, b.service)),
});

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Greatest relative distance of equal numbers, and greatest distance of equal times in milliseconds. */
const SAME_NUMBER = 1e-9;
const SAME_MILLIS = 1;

const TIME = /^\d{4}-\d\d-\d\dT/;

function differencesOf(product: unknown, evaluation: unknown, path = ''): Compared['differences'] {
  if (isSame(product, evaluation)) return [];
  if (!isObject(product) || !isObject(evaluation) || Array.isArray(product) !== Array.isArray(evaluation))
    return [{ path, product, evaluation }];
  if (Array.isArray(product) && Array.isArray(evaluation) && product.length !== evaluation.length)
    return [{ path: `${path}.length`, product, evaluation }];
  return [...new Set([...Object.keys(product), ...Object.keys(evaluation)])]
    .filter((key) => !BY_NATURE.has(key))
    .flatMap((key) => differencesOf(product[key], evaluation[key], path === '' ? key : `${path}.${key}`));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a === 'number' && typeof b === 'number')
    return Math.abs(a - b) <= SAME_NUMBER * Math.max(1, Math.abs(a), Math.abs(b));
  if (typeof a === 'string' && typeof b === 'string' && TIME.test(a) && TIME.test(b))
    return Math.abs(Date.parse(a) - Date.parse(b)) <= SAME_MILLIS;
  return false;
}
