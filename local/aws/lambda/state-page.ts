import { invalidParameter } from './errors.ts';
import { byteLength, STATE_PAGE_MAX_BYTES } from './limits.ts';
import type { Operation } from './operation.ts';

export type StatePage = { operations: Operation[]; nextMarker: string | undefined };

/**
 * One page of what a handler needs to replay. A marker is the id of the last operation given.
 *
 * @param all operations of the execution, in their order
 * @param marker absent: from the beginning
 * @throws ApiError InvalidParameterValueException when the marker is none of them
 */
export function statePage(all: readonly Operation[], marker: string | undefined, maxItems: number): StatePage {
  const needed = replayable(all);
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
 * Everything but what lies inside finished contexts, whose result says enough. A context whose result was too large to
 * store is marked: its children stay, and it is made anew from them.
 */
function replayable(operations: readonly Operation[]): Operation[] {
  const left = new Set<string>();
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  return operations.filter((operation) => {
    const parent = operation.parentId === undefined ? undefined : byId.get(operation.parentId);
    if (!parent) return true;
    const finished = parent.status === 'SUCCEEDED' || parent.status === 'FAILED';
    if (!left.has(parent.id) && !(finished && !parent.replayChildren)) return true;
    left.add(operation.id);
    return false;
  });
}
