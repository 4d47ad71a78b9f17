import { warningAt, type Located, wrong } from '../source-locations.ts';
import type { Defaults, Imported } from './converted.ts';
import { fromPyrra } from './pyrra.ts';
import { fromSlothFile, fromSlothObject } from './sloth.ts';
import { fromV1alpha } from './v1alpha.ts';

const KNOWN = 'Sloth prometheus/v1 or PrometheusServiceLevel, Pyrra ServiceLevelObjective, OpenSLO v1alpha SLO';

/** Importers by version and kind. Sloth's files have no kind. */
const IMPORTS: Readonly<Record<string, (document: Located<unknown>, defaults: Defaults) => Imported>> = {
  'prometheus/v1': fromSlothFile,
  'sloth.slok.dev/v1 PrometheusServiceLevel': fromSlothObject,
  'pyrra.dev/v1alpha1 ServiceLevelObjective': fromPyrra,
  'openslo/v1alpha SLO': fromV1alpha,
};

/** Documents that accompany objectives and are configured elsewhere in Firebreak. */
const ELSEWHERE: Readonly<Record<string, readonly [message: string, suggestion: string | null]>> = {
  'sloth.slok.dev/v1 AlertWindows': ['Firebreak sets the windows of burn alerts itself', null],
  'openslo/v1alpha Service': ['services belong in the catalogue', 'add it to config/services.yaml'],
};

/** Returns whether a document belongs to a supported tool. */
export const isImportable = (value: unknown): boolean => Object.hasOwn(IMPORTS, headerOf(value));

/** Converts a document of another tool into OpenSLO v1 documents. */
export function importedFrom(document: Located<unknown>, defaults: Defaults): Imported {
  const named = headerOf(document.value);
  const read = Object.hasOwn(IMPORTS, named) ? IMPORTS[named] : undefined;
  if (read !== undefined) return read(document, defaults);
  const elsewhere = Object.hasOwn(ELSEWHERE, named) ? ELSEWHERE[named] : undefined;
  if (elsewhere !== undefined) {
    const [message, suggestion] = elsewhere;
    return {
      converted: [],
      problems: [warningAt(document.at([]), `${named} is not imported: ${message}`, suggestion)],
    };
  }
  const [message, suggestion] = named.startsWith('openslo/v1 ')
    ? ['it is already OpenSLO v1', 'put it into config/slos unchanged']
    : [`${named === '' ? 'it names no version' : named} cannot be imported`, `supported formats: ${KNOWN}`];
  return { converted: [], problems: [wrong(document.at([]), message, suggestion)] };
}

function headerOf(value: unknown): string {
  const { apiVersion, version, kind } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  return [apiVersion ?? version, kind].filter((part) => typeof part === 'string').join(' ');
}
