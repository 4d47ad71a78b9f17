import { isSameVersion } from '../../../core/domain/changes/version-identity.ts';
import { isSamePerson } from '../../../core/domain/access/actor-identity.ts';
import type { AuditEntry } from '../../../core/domain/ports/audit.ts';
import { revisionOf } from '../decisions/budget/plan-freezes.ts';
import { isLifted, stateAt } from '../decisions/state.ts';
import type { Freeze, Override } from '../schemas/freeze.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { entries } from './freeze-entries.ts';

/**
 * The changed freeze and its log entry, or the answer if nothing changes. `grows`: the change can need more space, so the
 * limits of the scope are checked.
 */
export type Changed<Answer> = { next: Freeze; entry: AuditEntry; grows?: true } | { answer: Answer };

/** A freeze as read. `rev`: of its record, before the change. */
export type ReadFreeze = { freeze: Freeze; rev: number; now: Timestamp };

/** Number of newest uses to keep on an override without a limit of uses; all uses are in the log. */
const STORED_USES_MAX = 100;

const IN_FORCE_AGAIN = { ended_at: null, ended_by: null, end_reason: null, settled_at: null } as const;

/** Changes to a freeze, each decided from the freeze alone. */
export const changes = {
  end(
    found: ReadFreeze,
    { at, by, reason, settled }: { at: Timestamp; by: string; reason: string; settled: boolean },
  ): Changed<Freeze> {
    const { freeze, rev } = found;
    if (freeze.ended_at !== null) return settled ? changes.settle(found, at) : { answer: freeze };
    const settled_at = freeze.settled_at ?? (settled ? at : null);
    const next = { ...freeze, ended_at: at, ended_by: by, end_reason: reason, settled_at };
    return { next, entry: entries.ended(next, rev, at, by) };
  },

  settle({ freeze, rev }: ReadFreeze, at: Timestamp): Changed<Freeze> {
    if (freeze.settled_at !== null) return { answer: freeze };
    return { next: { ...freeze, settled_at: at }, entry: entries.settled(freeze, rev, at) };
  },

  revise({ freeze, rev, now }: ReadFreeze, news: Pick<Freeze, 'reason' | 'ends_when' | 'until'>): Changed<Freeze> {
    const revision = revisionOf(freeze, { ...freeze, ...news });
    if (revision === undefined) return { answer: freeze };
    const isBack = freeze.settled_at !== null || (freeze.ended_at !== null && !isLifted(freeze));
    const next = { ...freeze, ...revision, ...(isBack && IN_FORCE_AGAIN) };
    return { next, entry: entries.revised(next, rev, now), grows: true };
  },

  addOverride({ freeze, rev, now }: ReadFreeze, override: Override): Changed<Freeze | undefined> {
    if (stateAt(freeze, now) === 'over') return { answer: undefined };
    if (freeze.overrides.some(({ id }) => id === override.id)) return { answer: freeze };
    const next = { ...freeze, overrides: [...freeze.overrides, override] };
    return { next, entry: entries.requested(freeze, rev, override), grows: true };
  },

  approveOverride({ freeze, rev, now }: ReadFreeze, id: string, by: string): Changed<Freeze | 'unknown' | 'own'> {
    const override = overrideOf(freeze, id);
    if (override === undefined || !isInEffect(override, now) || stateAt(freeze, now) === 'over')
      return { answer: 'unknown' };
    if (isSamePerson(override.requested_by, by)) return { answer: 'own' };
    if (override.approved_at !== null || !override.needs_approval) return { answer: freeze };
    const next = withOverride(freeze, { ...override, approved_by: by, approved_at: now });
    return { next, entry: entries.approved(freeze, rev, id, now, by) };
  },

  withdrawOverride(
    { freeze, rev, now }: ReadFreeze,
    id: string,
    by: string,
    reason?: string,
  ): Changed<Freeze | undefined> {
    const override = overrideOf(freeze, id);
    if (override === undefined) return { answer: undefined };
    if (override.withdrawn_at !== null) return { answer: freeze };
    const why = reason === undefined ? {} : { withdrawn_because: reason };
    const next = withOverride(freeze, { ...override, withdrawn_by: by, withdrawn_at: now, ...why });
    return { next, entry: entries.withdrawn(freeze, rev, { override: id, at: now, by, reason }) };
  },

  /** @param use.again whether the deployment has used it before */
  useOverride(
    { freeze, rev, now }: ReadFreeze,
    id: string,
    { deployment, version, by, again }: { deployment: string; version: string | null; by: string; again: boolean },
  ): Changed<'again' | 'spent'> {
    const override = overrideOf(freeze, id);
    if (override === undefined || stateAt(freeze, now) === 'over' || !isUsable(override, now, version))
      return { answer: 'spent' };
    if (again) return { answer: 'again' };
    if (override.uses !== null && override.used_by.length >= override.uses) return { answer: 'spent' };
    const use = { deployment, at: now, by };
    const used_by = [...override.used_by, use].slice(override.uses === null ? -STORED_USES_MAX : 0);
    return {
      next: withOverride(freeze, { ...override, used_by }),
      entry: entries.used(freeze, rev, id, use),
    };
  },
};

const overrideOf = ({ overrides }: Freeze, id: string): Override | undefined => overrides.find((one) => one.id === id);

const withOverride = (freeze: Freeze, override: Override): Freeze => ({
  ...freeze,
  overrides: freeze.overrides.map((one) => (one.id === override.id ? override : one)),
});

const isInEffect = ({ withdrawn_at, expires_at }: Override, now: Timestamp): boolean =>
  withdrawn_at === null && expires_at > now;

const isUsable = (override: Override, now: Timestamp, version: string | null): boolean =>
  isInEffect(override, now) &&
  (!override.needs_approval || override.approved_at !== null) &&
  (override.version === null || (version !== null && isSameVersion({ version: override.version }, { version })));
