import { invalidParameter } from '../errors.ts';
import { byteLength, STATE_PAGE_MAX_BYTES } from '../limits.ts';
import type { Operation } from './operation.ts';

export type StatePage = { operations: Operation[]; nextMarker: string | undefined };

/**
 * Returns one page of the operations that a handler needs for a replay. A marker is the ID of the last returned
 * operation.
 *
 * @param allOperations of the execution, in order
 * @param marker undefined to start at the beginning
 * @throws ApiError InvalidParameterValueException if the marker is unknown
 */
export function statePage(
  allOperations: readonly Operation[],
  marker: string | undefined,
  maxItems: number,
): StatePage {
  const needed = replayable(allOperations);
  const from = marker === undefined ? 0 : needed.findIndex(({ id }) => id === marker) + 1;
  if (marker !== undefined && from === 0) throw invalidParameter('Invalid Marker.');
  const operations: Operation[] = [];
  let bytes = 0;
  for (const operation of needed.slice(from, from + maxItems)) {
    bytes += byteLength(JSON.stringify(operation));
    if (operations.length > 0 && bytes > STATE_PAGE_MAX_BYTES) break;
    operations.push(operation);
  }
  const isLast = from + operations.length >= needed.length;
  return { operations, nextMarker: isLast ? undefined : operations.at(-1)?.id };
}

/**
 * Returns all operations except those inside finished contexts, whose results suffice. A context with a result that was
 * too large to store has `replayChildren`: its children are included, to recreate the result from them.
 */
function replayable(operations: readonly Operation[]): Operation[] {
  const omitted = new Set<string>();
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  return operations.filter((operation) => {
    const parent = operation.parentId === undefined ? undefined : byId.get(operation.parentId);
    if (!parent) return true;
    const finished = parent.status === 'SUCCEEDED' || parent.status === 'FAILED';
    if (!omitted.has(parent.id) && !(finished && !parent.replayChildren)) return true;
    omitted.add(operation.id);
    return false;
  });
}
