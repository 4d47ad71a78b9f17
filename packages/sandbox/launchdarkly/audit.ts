import type { Change } from './flags.ts';
import { resourceOf } from './json.ts';

const DEFAULT_ITEMS = 10;
const MAX_ITEMS = 20;

/**
 * Returns the entries of the audit log that match a query, newest first.
 *
 * @param changes newest first
 * @see https://launchdarkly.com/docs/api/audit-log/get-audit-log-entries (read 2026-11)
 */
export function auditEntries(
  changes: readonly Change[],
  query: Readonly<Record<string, string>>,
): Change[] | { invalid: string } {
  const limit = Number(query['limit'] ?? DEFAULT_ITEMS);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_ITEMS) {
    return { invalid: `limit must be between 1 and ${MAX_ITEMS}` };
  }
  const after = Number(query['after'] ?? Number.NEGATIVE_INFINITY);
  const before = Number(query['before'] ?? Number.POSITIVE_INFINITY);
  if (Number.isNaN(after) || Number.isNaN(before))
    return { invalid: 'before and after must be Unix epoch milliseconds' };
  const matchesSpecifier = specifier(query['spec'] ?? 'proj/*');
  return changes
    .filter((change) => change.at > after && change.at < before && matchesSpecifier(change))
    .slice(0, limit);
}

/**
 * Returns a filter for a resource specifier such as `proj/default:env/*:flag/my-flag`. A specifier also matches the
 * resources below it.
 */
function specifier(spec: string): (change: Change) => boolean {
  const wanted = spec.split(':');
  return (change) => {
    const there = resourceOf(change).split(':');
    return wanted.every((part, i) => matches(part, there[i]));
  };
}

function matches(wanted: string, there: string | undefined): boolean {
  if (there === undefined) return false;
  const pieces = wanted.split('*').map((piece) => RegExp.escape(piece));
  return new RegExp(`^${pieces.join('.*')}$`).test(there);
}
