import { parse } from 'yaml';

/** Maximum length, and maximum number of what begins a value or a level: lines, commas, brackets, and indicators. */
const MAX_CHARS = 1024 * 1024;
const MAX_PARTS = 20_000;

/** Maximum number of values that aliases can repeat. */
const MAX_ALIASES = 100;

/**
 * Parses YAML of another system, such as the configuration of Alertmanager. The limits bound the work for any text.
 *
 * @returns undefined if it is not YAML, or too large
 */
export function parseForeignYaml(text: string): unknown {
  if (text.length > MAX_CHARS || (text.match(/[\n,[{]|[-?] /g)?.length ?? 0) > MAX_PARTS) return undefined;
  try {
    // Checking each key against all others takes minutes for a large map; the last one of the same name counts.
    return parse(text, { uniqueKeys: false, maxAliasCount: MAX_ALIASES }) as unknown;
  } catch {
    return undefined;
  }
}
