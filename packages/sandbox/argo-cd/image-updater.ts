import * as z from 'zod';
import type { Source, State } from './applications.ts';
import { liveDeployment } from './controller.ts';
import { problem } from '../core/problem.ts';

const PREFIX = 'argocd-image-updater.argoproj.io';

/** The tags of each image in the registry, in the order in which they were pushed. */
export const Registry = z.strictObject({ tags: z.record(z.string(), z.array(z.string().min(1)).min(1)) });
export type Registry = z.infer<typeof Registry>;

/**
 * Runs Argo CD Image Updater once, with the write-back method `argocd`: each image of `image-list` that runs gets the
 * newest version that is not ignored. Kustomize only, and the strategy `semver` without constraint.
 *
 * @see https://argocd-image-updater.readthedocs.io/en/release-0.16/configuration/images/ (read 2026-11)
 */
export function updateImages(state: State, { tags }: Registry): State {
  const listed = (state.annotations[`${PREFIX}/image-list`] ?? '')
    .split(',')
    .map((listEntry) => listEntry.trim())
    .filter((listEntry) => listEntry !== '');
  return listed.reduce((before, listEntry) => updateImage(before, listEntry, tags), state);
}

function updateImage(state: State, listEntry: string, registry: Registry['tags']): State {
  const [, alias, image = ''] = /^(?:([^=]*)=)?(.*)$/.exec(listEntry) ?? [];
  if (/:[^/:]*$/.test(image)) throw problem(422, `the stand-in knows no version constraints, such as in ${listEntry}`);
  const ignored = ignoredTags(state, alias);
  const running = runningImages(state).find((candidate) => nameOf(candidate) === image);
  const tag = (registry[image] ?? [])
    .filter((one) => SEMVER.test(one) && !ignored.some((pattern) => matches(pattern, one)))
    .toSorted(bySemver)
    .at(-1);
  // An image that does not run is left alone, and without a candidate the running tag stays.
  if (running === undefined || tag === undefined || running === `${image}:${tag}`) return state;
  const { kustomize, ...source } = state.spec.source;
  const overrides = setImages(state.spec.source).filter((override) => nameOf(override) !== image);
  const images = { ...(kustomize as object | undefined), images: [...overrides, `${image}:${tag}`] };
  return { ...state, spec: { ...state.spec, source: { ...source, kustomize: images } } };
}

/** An image's own setting replaces the one of the application. An image without alias has none of its own. */
function ignoredTags({ annotations }: State, alias: string | undefined): string[] {
  const setting = (name: string): string | undefined =>
    (alias ? annotations[`${PREFIX}/${alias.replaceAll('/', '_')}.${name}`] : undefined) ??
    annotations[`${PREFIX}/${name}`];
  const strategy = setting('update-strategy')?.toLowerCase() ?? 'semver';
  if (strategy !== 'semver' || setting('allow-tags') !== undefined)
    throw problem(422, 'the stand-in knows only the update strategy semver, without allow-tags');
  return (setting('ignore-tags') ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

/** A version with up to three numbers, such as `v42`. */
const SEMVER = /^v?\d+(?:\.\d+){0,2}$/;

const bySemver = (one: string, other: string): number => {
  const numbers = (tag: string) => tag.replace(/^v/, '').split('.').map(Number);
  const [a, b] = [numbers(one), numbers(other)];
  return [0, 1, 2].map((n) => (a[n] ?? 0) - (b[n] ?? 0)).find((difference) => difference !== 0) ?? 0;
};

/** Matches `*` and `?` of Go's `filepath.Match`; a tag contains no `/`. */
const matches = (pattern: string, tag: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(tag);

const nameOf = (image: string): string => image.replace(/:[^/:]*$/, '');

/** Returns the images that a source sets instead of those in its manifests. */
export const setImages = ({ kustomize }: Source): string[] =>
  (kustomize as { images?: string[] } | undefined)?.images ?? [];

/** Returns the images of the running revision, with the tags that its source sets. */
export function runningImages(state: State): string[] {
  const running = liveDeployment(state);
  const overrides = running === undefined ? [] : setImages(running.source);
  return (state.images[running?.revision ?? ''] ?? []).map(
    (image) => overrides.find((override) => nameOf(override) === nameOf(image)) ?? image,
  );
}
