import { warningAt, type Located, errorAt } from '../../../../core/domain/lint/source-locations.ts';
import type { Defaults, Imported } from './converted.ts';
import { fromSlothFile, fromSlothObject } from './sloth.ts';

const SUPPORTED = 'Sloth prometheus/v1 or PrometheusServiceLevel';

/** Importers by version and kind. Sloth's files have no kind. */
const IMPORTS: Readonly<Record<string, (document: Located<unknown>, defaults: Defaults) => Imported>> = {
  'prometheus/v1': fromSlothFile,
  'sloth.slok.dev/v1 PrometheusServiceLevel': fromSlothObject,
};

/** Documents that accompany objectives and are configured elsewhere in Firebreak. */
const ELSEWHERE: Readonly<Record<string, readonly [message: string, suggestion: string | null]>> = {
  'sloth.slok.dev/v1 AlertWindows': ['Firebreak sets the windows of burn alerts itself', null],
};

/** Returns whether a document belongs to a supported tool. */
export const isImportable = (value: unknown): boolean => Object.hasOwn(IMPORTS, headerOf(value));

/** Converts a document of another tool into OpenSLO v1 documents. */
export function importedFrom(document: Located<unknown>, defaults: Defaults): Imported {
  const header = headerOf(document.value);
  const importer = Object.hasOwn(IMPORTS, header) ? IMPORTS[header] : undefined;
  if (importer !== undefined) return importer(document, defaults);
  const elsewhere = Object.hasOwn(ELSEWHERE, header) ? ELSEWHERE[header] : undefined;
  if (elsewhere !== undefined) {
    const [message, suggestion] = elsewhere;
    return {
      converted: [],
      problems: [warningAt(document.at([]), `${header} is not imported: ${message}`, suggestion)],
    };
  }
  const [message, suggestion] = header.startsWith('openslo/v1 ')
    ? ['it is already OpenSLO v1', 'put it into config/slos unchanged']
    : [`${header === '' ? 'it names no version' : header} cannot be imported`, `supported formats: ${SUPPORTED}`];
  return { converted: [], problems: [errorAt(document.at([]), message, suggestion)] };
}

function headerOf(value: unknown): string {
  const { apiVersion, version, kind } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  return [apiVersion ?? version, kind].filter((part) => typeof part === 'string').join(' ');
}
