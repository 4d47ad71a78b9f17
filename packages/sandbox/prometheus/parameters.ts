import { PROMQL_STRING } from '../../../schemas/parsing/promql.ts';

/** An invalid parameter, in Prometheus's wording. */
export class BadParameter extends Error {
  override readonly name = 'BadParameter';

  constructor(parameter: string, what: string) {
    super(`invalid parameter "${parameter}": ${what}`);
  }
}

const NUMBER = /^[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const UNITS = [31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1];
const DURATION = /^(?=\d)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Parses Unix seconds or RFC 3339 into milliseconds since the Unix epoch. @throws BadParameter */
export function timeOf(parameter: string, text: string): number {
  const millis = NUMBER.test(text) ? Number(text) * 1000 : RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(millis)) return Math.round(millis);
  const where = parameter === 'time' ? "Invalid time value for 'time': " : '';
  throw new BadParameter(parameter, `${where}cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}

/** Parses seconds, or a duration such as `1h30m`, into milliseconds. @throws BadParameter */
export function durationOf(parameter: string, text: string): number {
  if (NUMBER.test(text)) return Number(text) * 1000;
  const parts = DURATION.exec(text)?.slice(1);
  if (parts === undefined) {
    throw new BadParameter(parameter, `cannot parse ${JSON.stringify(text)} to a valid duration`);
  }
  return parts.reduce((sum, part: string | undefined, i) => sum + Number(part ?? 0) * (UNITS[i] ?? 0), 0);
}

/**
 * Rejects text that can't be PromQL: an empty query, or unbalanced parentheses. Accepts everything else, since queries
 * are not evaluated.
 *
 * @throws BadParameter
 */
export function checkQuery(query: string): void {
  if (query.trim() === '') throw parseError(query, 0, 'no expression found in input');
  let open = 0;
  for (const { 0: token, index } of query.matchAll(TOKENS)) {
    if (token === '(') open += 1;
    if (token === ')') open -= 1;
    if (open < 0) throw parseError(query, index, "unexpected right parenthesis ')'");
  }
  if (open > 0) throw parseError(query, query.length, 'unclosed left parenthesis');
}

/** Strings and comments, whose parentheses are ignored, and parentheses. */
const TOKENS = new RegExp(String.raw`${PROMQL_STRING}|#[^\n]*|[()]`, 'g');

function parseError(query: string, index: number, what: string): BadParameter {
  const lines = query.slice(0, index).split('\n');
  return new BadParameter('query', `${lines.length}:${(lines.at(-1) ?? '').length + 1}: parse error: ${what}`);
}
