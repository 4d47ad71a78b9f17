import type { Identity } from '../../schemas/access/identity-claims.ts';
import { truncate } from '../shared/text.ts';

export type Claims = Readonly<Record<string, unknown>>;

const SHOWN_MAX_CHARS = 120;
const SUBJECT_MAX_CHARS = 300;

/** Returns the reason why the claims don't match this identity; undefined if they match. */
export function mismatchOf(claims: Claims, { audience, claims: expected }: Identity): string | undefined {
  if (!textsOf(claims['aud']).includes(audience))
    return `its audience is ${shown(claims['aud'])}, not ${JSON.stringify(audience)}`;
  for (const [name, pattern] of Object.entries(expected)) {
    const claim = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (!textsOf(claim).some((text) => matches(text, pattern)))
      return `its claim ${name} is ${shown(claim)}, not ${JSON.stringify(pattern)}`;
  }
  return undefined;
}

/** Returns whether a text matches a pattern, in which `*` stands for any text, including the empty text. */
export function matches(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  const end = text.length - last.length;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found === -1 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}

/**
 * Returns the subject of a token on one line, for the audit log.
 * @example 'repo:acme/checkout:environment:production (workflow
 *   acme/checkout/.github/workflows/deploy.yml@refs/heads/main)'
 */
export function subjectOf(claims: Claims): string {
  // The claims of GitHub, GitLab, and Buildkite that name the running workflow.
  const workflow = ['job_workflow_ref', 'workflow_ref', 'ci_config_ref_uri', 'pipeline_slug'].find((name) =>
    isText(claims[name]),
  );
  const workflowText = workflow === undefined ? '' : ` (workflow ${String(claims[workflow])})`;
  const subject = isText(claims['sub']) ? String(claims['sub']) : 'an identity without a subject';
  return truncate(`${subject}${workflowText}`.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '), SUBJECT_MAX_CHARS);
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/**
 * Returns the texts of a claim. One match in a list, such as audiences or groups, suffices. Values of other types match
 * nothing.
 */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(scalarText);
  return scalarText(value);
}

const scalarText = (value: unknown): string[] =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];

const shown = (value: unknown): string =>
  value === undefined ? 'missing' : truncate(JSON.stringify(value) ?? 'missing', SHOWN_MAX_CHARS);
