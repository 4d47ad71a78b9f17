import type { z } from 'zod';
import { ParallelStep, SingleStep } from '../../schemas/runbooks/parts/steps.ts';
import { StepId } from '../../schemas/runbooks/parts/values.ts';

type Issue = Pick<z.core.$ZodIssue, 'path' | 'code'> & { readonly keys?: readonly string[] };
type Head = Record<string, unknown>;

/**
 * Returns the front matter without its invalid parts, so that the rest can be checked too and an author sees all errors
 * at once. An unreadable step keeps its id, and every step its position. Returns undefined if nothing is readable.
 */
export function withoutInvalidParts(value: unknown, issues: readonly Issue[]): Head | undefined {
  if (!isHead(value)) return undefined;
  const head = structuredClone(value);
  for (const issue of issues) removeInvalidPart(head, issue);
  return head;
}

function removeInvalidPart(head: Head, { path, code, keys }: Issue): void {
  const [key, second, third] = path;
  if (key === undefined && code === 'unrecognized_keys') for (const unknown of keys ?? []) delete head[unknown];
  else if (key === undefined || key === 'match' || key === 'matchers') {
    delete head['matchers'];
    head['match'] = {};
  } else if (key === 'title') head['title'] = 'Untitled';
  else if (key === 'inputs' && typeof second === 'string' && isHead(head['inputs'])) mendInput(head['inputs'], second);
  else if (key === 'steps' && typeof second === 'number') mendStep(head['steps'], second);
  else if (key === 'onFailure' && second === 'steps' && typeof third === 'number' && isHead(head['onFailure']))
    mendStep(head['onFailure']['steps'], third);
  else if (typeof key === 'string') delete head[key];
}

function mendInput(inputs: Head, name: string): void {
  inputs[name] = { default: '' };
}

/** Of parallel steps, replaces only the unreadable ones. */
function mendStep(steps: unknown, index: number): void {
  if (!Array.isArray(steps)) return;
  const all: unknown[] = steps;
  const step = all[index];
  const otherwise = `unread_${index}`;
  all[index] = isHead(step) && Array.isArray(step['parallel']) ? group(step, otherwise) : single(step, otherwise);
}

const single = (step: unknown, otherwise: string): Head => ({
  id: idOf(step, otherwise),
  uses: 'note',
  with: { text: 'This step could not be read.' },
});

function group(step: Head, otherwise: string): Head {
  const inner: unknown[] = Array.isArray(step['parallel']) ? step['parallel'] : [];
  const parallel = inner.map((each, at) =>
    SingleStep.safeParse(each).success ? each : single(each, `${otherwise}_${at}`),
  );
  const whole = { ...step, parallel };
  if (ParallelStep.safeParse(whole).success) return whole;
  const two = [...parallel, ...[0, 1].slice(parallel.length).map((at) => single(null, `${otherwise}_more_${at}`))];
  return { id: idOf(step, otherwise), parallel: two.slice(0, 10) };
}

function idOf(step: unknown, otherwise: string): string {
  const read = StepId.safeParse(isHead(step) ? step['id'] : undefined);
  return read.success ? read.data : otherwise;
}

const isHead = (value: unknown): value is Head => typeof value === 'object' && value !== null && !Array.isArray(value);
