import type { z } from 'zod';
import { ParallelStep, SingleStep } from '../../schemas/runbooks/parts/steps.ts';
import { StepId } from '../../schemas/runbooks/parts/values.ts';

type Issue = Pick<z.core.$ZodIssue, 'path' | 'code'> & { readonly keys?: readonly string[] };
type FrontMatterObject = Record<string, unknown>;

/**
 * Returns the front matter without its invalid parts, so that the rest can be checked too and an author sees all errors
 * at once. An unreadable step keeps its id, and every step its position. Returns undefined if nothing is readable.
 */
export function withoutInvalidParts(value: unknown, issues: readonly Issue[]): FrontMatterObject | undefined {
  if (!isObject(value)) return undefined;
  const head = structuredClone(value);
  for (const issue of issues) removeInvalidPart(head, issue);
  return head;
}

function removeInvalidPart(head: FrontMatterObject, { path, code, keys }: Issue): void {
  const [key, second, third] = path;
  if (key === undefined && code === 'unrecognized_keys') for (const unknown of keys ?? []) delete head[unknown];
  else if (key === undefined || key === 'match' || key === 'matchers') {
    delete head['matchers'];
    head['match'] = {};
  } else if (key === 'title') head['title'] = 'Untitled';
  else if (key === 'inputs' && typeof second === 'string' && isObject(head['inputs']))
    replaceInput(head['inputs'], second);
  else if (key === 'steps' && typeof second === 'number') replaceStep(head['steps'], second);
  else if (key === 'onFailure' && second === 'steps' && typeof third === 'number' && isObject(head['onFailure']))
    replaceStep(head['onFailure']['steps'], third);
  else if (typeof key === 'string') delete head[key];
}

function replaceInput(inputs: FrontMatterObject, name: string): void {
  inputs[name] = { default: '' };
}

/** Of parallel steps, replaces only the unreadable ones. */
function replaceStep(steps: unknown, index: number): void {
  if (!Array.isArray(steps)) return;
  const all: unknown[] = steps;
  const step = all[index];
  const fallbackId = `unread_${index}`;
  all[index] =
    isObject(step) && Array.isArray(step['parallel'])
      ? repairParallelStep(step, fallbackId)
      : placeholderStep(step, fallbackId);
}

/** The schema of a parallel step accepts 2 to 10 steps. */
const PARALLEL_MAX = 10;

const placeholderStep = (step: unknown, fallbackId: string): FrontMatterObject => ({
  id: idOf(step, fallbackId),
  uses: 'note',
  with: { text: 'This step could not be read.' },
});

function repairParallelStep(step: FrontMatterObject, fallbackId: string): FrontMatterObject {
  const inner: unknown[] = Array.isArray(step['parallel']) ? step['parallel'] : [];
  const parallel = inner.map((each, at) =>
    SingleStep.safeParse(each).success ? each : placeholderStep(each, `${fallbackId}_${at}`),
  );
  const whole = { ...step, parallel };
  if (ParallelStep.safeParse(whole).success) return whole;
  const atLeastTwo = [
    ...parallel,
    ...[0, 1].slice(parallel.length).map((at) => placeholderStep(null, `${fallbackId}_more_${at}`)),
  ];
  return { id: idOf(step, fallbackId), parallel: atLeastTwo.slice(0, PARALLEL_MAX) };
}

function idOf(step: unknown, fallbackId: string): string {
  const read = StepId.safeParse(isObject(step) ? step['id'] : undefined);
  return read.success ? read.data : fallbackId;
}

const isObject = (value: unknown): value is FrontMatterObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
