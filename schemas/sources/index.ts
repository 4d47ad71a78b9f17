import { alertmanager } from './alertmanager.ts';
import { generic } from './generic.ts';
import { grafana } from './grafana.ts';
import type { Source } from './parsed.ts';

/** Every sender that can be read, by the last part of its receiver's path. */
export const sources: ReadonlyMap<string, Source> = new Map(
  [alertmanager, grafana, generic].map((source) => [source.name, source]),
);
