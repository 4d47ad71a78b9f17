import * as z from 'zod';
import { Source, type Spec, type State } from './applications.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** Returns the sync windows of an application, and whether a manual sync is allowed. */
export function windowsJson({ windows }: State): { canSync: boolean; [lists: string]: unknown } {
  const shown = (someWindows: State['windows']) => someWindows.map(({ active: _state, ...window }) => window);
  const active = windows.filter((window) => window.active);
  return {
    ...(active.length > 0 && { activeWindows: shown(active) }),
    ...(windows.length > 0 && { assignedWindows: shown(windows) }),
    canSync: canSync(windows, 'manual'),
  };
}

/** @see https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/ */
export function canSync(windows: State['windows'], trigger: 'manual' | 'automated'): boolean {
  const isManual = trigger === 'manual';
  const denying = windows.filter(({ kind, active }) => kind === 'deny' && active);
  if (denying.length > 0) return isManual && denying.every(({ manualSync }) => manualSync);
  const allowing = windows.filter(({ kind }) => kind === 'allow');
  if (allowing.length === 0 || allowing.some(({ active }) => active)) return true;
  return isManual && allowing.every(({ manualSync }) => manualSync);
}

const Patched = z.looseObject({
  metadata: z.looseObject({
    labels: z.record(z.string(), z.string()).nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
  spec: z.looseObject({
    source: Source,
    project: z.string(),
    destination: z.looseObject({}),
    syncPolicy: z
      .looseObject({
        automated: z
          .looseObject({
            enabled: z.boolean().optional(),
            prune: z.boolean().optional(),
            selfHeal: z.boolean().optional(),
          })
          .optional(),
        syncOptions: z.array(z.string()).optional(),
      })
      .optional(),
  }),
});

/**
 * Applies a merge patch. Only spec, labels, and annotations can be patched. Returns a text with the reason if it can't.
 */
export function applyMergePatch(
  state: State,
  { patch, patchType }: { patch?: string | undefined; patchType?: string | undefined },
): State | string {
  if (patchType !== 'merge') return `Patch type '${patchType ?? ''}' is not supported`;
  const { labels, annotations, spec } = state;
  const merged = Patched.safeParse(merge({ metadata: { labels, annotations }, spec }, parseJson(patch ?? '')));
  if (!merged.success) return `error unmarshaling patched app: ${inputProblemText(merged.error)}`;
  const { metadata } = merged.data;
  return {
    ...state,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    spec: merged.data.spec as Spec,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc7396 */
function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = { ...(isObject(target) ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
