import { alertmanager } from './alertmanager.ts';
import { generic } from './generic.ts';
import { grafana } from './grafana.ts';
import type { Source } from './parsed.ts';

/** All alert sources, by the last part of their receiver's path. */
export const sources: ReadonlyMap<string, Source> = new Map(
  [alertmanager, grafana, generic].map((source) => [source.name, source]),
);
