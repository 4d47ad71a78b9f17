import type { Alert } from '../../schemas/alerts/sources/index.ts';
import { NOON } from './arbitraries.ts';

type Texts = Record<string, string> | ReadonlyMap<string, string>;

const asMap = (texts: Texts): ReadonlyMap<string, string> =>
  texts instanceof Map ? texts : new Map<string, string>(Object.entries(texts));

/** Builds an Alertmanager alert that fires since noon by default. */
export function anAlert({
  labels = {},
  annotations = {},
  ...more
}: Partial<Omit<Alert, 'labels' | 'annotations'>> & { labels?: Texts; annotations?: Texts }): Alert {
  return {
    source: 'alertmanager',
    status: 'firing',
    labels: asMap(labels),
    annotations: asMap(annotations),
    startsAt: NOON,
    endsAt: null,
    fingerprint: 'e13f9abf0ab3b700',
    episodic: true,
    generatorUrl: null,
    ...more,
  };
}
