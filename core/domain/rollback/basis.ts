import type { Change } from '../../../schemas/changes/change.ts';
import type { DecisionBasis } from '../../../schemas/incidents/decision-basis.ts';
import { byStart, migrationsIn, putsVersionLive } from '../changes/versions.ts';
import { AGAINST } from '../correlation/ranking.ts';
import { list } from '../correlation/words.ts';
import type { Decision, DecisionInputs } from './judgement.ts';

/** Suspects that are stored with a decision. */
const SUSPECTS_MAX = 10;

/** Returns what a decision is based on, as people see it. */
export function basisOf(
  { suspects, target, from, to }: Pick<Decision, 'suspects' | 'target' | 'from' | 'to'>,
  { targets }: Pick<DecisionInputs, 'targets'>,
): DecisionBasis {
  const changes = (targets.find(({ service }) => service === target?.service)?.changes ?? []).toSorted(byStart);
  const live = changes.filter((one) => putsVersionLive(one) && one.status !== 'cancelled');
  const change = live.findLast(({ version }) => version === from);
  const undone = change === undefined ? null : undoneBy(changes, change, to);
  const { known, unknown } = undone === null ? { known: null, unknown: null } : migrationsIn(undone);
  return {
    suspects: suspects.slice(0, SUSPECTS_MAX),
    change: change === undefined ? null : picked(change),
    migrations:
      known === null
        ? null
        : { known: known.map(({ version }) => version), unknown: unknown.map(({ version }) => version) },
  };
}

const picked = ({ version, kind, started_at, finished_at }: Change): NonNullable<DecisionBasis['change']> => ({
  version,
  kind,
  started_at,
  finished_at,
});

/** Returns the changes since a version was live, up to this one. Null: it is not known when that version was live. */
function undoneBy(changes: readonly Change[], change: Change, to: Decision['to']): Change[] | null {
  const end = changes.indexOf(change);
  const start = changes.slice(0, end).findLastIndex((one) => one.version === to && putsVersionLive(one));
  return start === -1 ? null : changes.slice(start + 1, end + 1);
}

/** Returns what the migrations mean for a rollback, as a sentence. Null: they are not known. */
export function migrationText({ migrations }: Pick<DecisionBasis, 'migrations'>, to: string | null): string | null {
  if (migrations === null) return null;
  const old = to ?? 'the old version';
  const { known, unknown } = migrations;
  if (known.length > 0)
    return `${list(known)} changed the data with a migration, and a rollback does not undo it: check that ${old} works with the new schema.`;
  if (unknown.length > 0)
    return `It was not recorded whether ${list(unknown)} changed the data with a migration. If it did, ${old} may not work with the new schema.`;
  return `No migration: ${old} works with the data as it is.`;
}

/** Separates what speaks for a suspect from what speaks against it. */
export const forAndAgainst = (reasons: readonly string[]): { speaksFor: string[]; against: string[] } => ({
  speaksFor: reasons.filter((reason) => !reason.startsWith(AGAINST)),
  against: reasons.filter((reason) => reason.startsWith(AGAINST)).map((reason) => reason.slice(AGAINST.length)),
});
