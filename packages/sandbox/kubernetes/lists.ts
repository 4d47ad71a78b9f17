import type { Metadata } from './objects.ts';
import { failure } from './status.ts';

/** An object, as far as lists need to know it. */
export type Listed = { metadata: Metadata };

const OBJECT = ['metadata.name', 'metadata.namespace'];

/** The fields by which lists can be selected. Of other kinds, the name only. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
};

/**
 * Parses the `fieldSelector` of a list: `a=b`, `a==b`, and `a!=b`, separated by commas.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/ (read 2026-11)
 * @throws HTTPException 400
 */
export function readFields(kind: string, text: string): (object: Listed) => boolean {
  const requirements = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [, field = '', sign = '', value = ''] = /^([^=!]+)(==?|!=)(.*)$/.exec(part) ?? [];
      if (field === '') throw failure(400, `invalid selector: '${text}'; can't understand '${part}'`);
      if (![...OBJECT, ...(FIELDS[kind] ?? [])].includes(field))
        throw failure(400, `field label not supported: ${field}`);
      return (object: Listed): boolean => (valueAt(object, field) === value) !== (sign === '!=');
    });
  return (object) => requirements.every((holds) => holds(object));
}

/** The source of an event is selected by its component. */
const valueAt = (object: object, field: string): string => {
  const path = field === 'source' ? ['source', 'component'] : field.split('.');
  const found = path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
  return typeof found === 'string' ? found : '';
};

/**
 * Returns a page of a list, in the order of the names.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks (read 2026-11)
 * @throws HTTPException 400
 */
export function pageOf<T extends Listed>(
  items: readonly T[],
  {
    limit = '0',
    token = '',
    isSelected,
  }: { limit: string | undefined; token: string | undefined; isSelected: boolean },
): { items: T[]; metadata: { continue?: string; remainingItemCount?: number } } {
  if (!/^\d{1,9}$/.test(limit)) throw failure(400, `strconv.ParseInt: parsing "${limit}": invalid syntax`);
  const start = token === '' ? '' : startOf(token);
  const left = items
    .filter(({ metadata }) => metadata.name >= start)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const page = limit === '0' ? left : left.slice(0, Number(limit));
  const next = left[page.length];
  if (next === undefined) return { items: page, metadata: {} };
  const remainingItemCount = left.length - page.length;
  return {
    items: page,
    metadata: { continue: tokenOf(next.metadata.name), ...(!isSelected && { remainingItemCount }) },
  };
}

const VERSION = 'meta.k8s.io/v1';

const tokenOf = (start: string): string => Buffer.from(JSON.stringify({ v: VERSION, start })).toString('base64url');

function startOf(token: string): string {
  try {
    const { v, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { v?: unknown; start?: unknown };
    if (v === VERSION && typeof start === 'string') return start;
  } catch {
    // answered below
  }
  throw failure(400, `continue key is not valid: ${token}`);
}
