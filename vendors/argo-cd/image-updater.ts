import * as z from 'zod';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { HeldImages, HoldRequest, ImageAutomation } from '../../core/domain/rollback/targets.ts';
import type { Version } from '../../schemas/config/names.ts';
import { refuse, vendorResponse } from '../shared/refusals.ts';
import { type ArgoOptions, attempt, type Calls } from './rest.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Returns the port to Argo CD Image Updater, which reads its settings from annotations of the application. */
export const imageUpdater = (argo: ArgoOptions, { service, environment }: ServiceEnvironment): ImageAutomation => ({
  name: 'Argo CD Image Updater',
  async hold(request) {
    const response = await attempt(argo, (calls) => hold(calls, `${service}/${environment}`, request));
    return response.kind === 'done' ? response : vendorResponse(response);
  },
});

async function hold(calls: Calls, holder: string, { versions, outdated, images: named }: HoldRequest): Promise<Done> {
  const application = await calls.application();
  const annotations = application.metadata.annotations ?? {};
  const images = updatedImages(annotations, named);
  const tagged = versions.filter((version) => tagsOf(version).length > 0);
  const current = tagged.filter((version) => !outdated.includes(version));
  const isTagged = images.some(({ byDigest }) => !byDigest);
  const held = images.length === 0 ? [] : isTagged ? tagged : current;
  const changes = changesToIgnore(annotations, holder, images, held.flatMap(tagsOf), current.length > 0);
  const changed = Object.keys(changes).length > 0;
  if (changed) {
    const after = (await calls.patch({ annotations: changes })).metadata.annotations ?? {};
    const lost = Object.entries(changes).find(([key, value]) => (after[key] ?? null) !== value);
    if (lost) throw refuse(`Argo CD did not store the annotation ${lost[0]} of ${application.metadata.name}`);
  }
  return { kind: 'done', value: { images: images.map(({ image }) => image), held, changed } };
}

type Done = { kind: 'done'; value: HeldImages };

/**
 * The annotations by which Argo CD Image Updater is configured. The `ignore-tags` of an image replaces that of
 * the application.
 * @see https://argocd-image-updater.readthedocs.io/en/release-0.16/configuration/images/ (read 2026-11)
 */
const PREFIX = 'argocd-image-updater.argoproj.io';

const IMAGE_LIST = `${PREFIX}/image-list`;

const IGNORE_ALL_IMAGES = `${PREFIX}/ignore-tags`;

/** The annotation with what Firebreak added, so that it removes exactly that. */
export const ADDED_TAGS = 'firebreak/ignored-tags';

export type Annotations = Readonly<Record<string, string>>;

/** What was added to one annotation. */
const Added = z.object({
  /** Whether the annotation existed before. */
  existed: z.boolean(),
  /** Tags copied from the application's annotation, which the image's annotation replaces. */
  copied: z.array(z.string()).default([]),
  /** Added tags of each service and environment that the application belongs to. */
  by: z.record(z.string(), z.array(z.string())),
});

type Added = z.infer<typeof Added>;

const AddedByAnnotation = z.record(z.string(), Added);

type UpdatedImage = {
  /** Without tag. */
  image: string;
  /** The annotation with the tags that Image Updater ignores for it. */
  annotation: string;
  /** It follows what one tag points to, so no single version can be ignored. */
  byDigest: boolean;
};

/** Returns the images that Image Updater updates. @param named only these; empty: all */
export function updatedImages(annotations: Annotations, named: readonly string[]): UpdatedImage[] {
  return tagsIn(annotations[IMAGE_LIST])
    .map((text): UpdatedImage => {
      const [, alias, name = ''] = /^(?:([^=]*)=)?(.*)$/.exec(text) ?? [];
      const key = alias ? `${PREFIX}/${alias.replaceAll('/', '_')}` : undefined;
      const strategy =
        (key === undefined ? undefined : annotations[`${key}.update-strategy`]) ??
        annotations[`${PREFIX}/update-strategy`];
      return {
        image: (name.split('@', 1)[0] ?? '').replace(/:[^/:]*$/, ''),
        // Without an alias, only the annotation of the application applies.
        annotation: key === undefined ? IGNORE_ALL_IMAGES : `${key}.ignore-tags`,
        byDigest: strategy?.toLowerCase() === 'digest',
      };
    })
    .filter(({ image }) => named.length === 0 || named.includes(image));
}

/** Characters of a tag. None of them has a meaning in the patterns of `ignore-tags`. */
const TAG = /^\w[\w.-]{0,127}$/;

/** Returns the tags that name a version; empty if no image can have them. Tools write the same version as `v42` or `42`. */
export function tagsOf(version: Version): string[] {
  const [, bare] = /^v(\d.*)$/i.exec(version) ?? [];
  const other = bare ?? (/^\d+(?:\.|$)/.test(version) ? `v${version}` : undefined);
  return [version, ...(other === undefined ? [] : [other])].filter((tag) => TAG.test(tag));
}

/**
 * Returns the changes to annotations after which Image Updater ignores these tags for these images, on behalf of
 * `holder`, and no other tags that Firebreak added on its behalf. Null removes an annotation. Keeps the
 * tags that people wrote and those that Firebreak added on behalf of others. Empty: nothing needs to change.
 *
 * @param stops whether images that follow a digest are not updated at all
 */
export function changesToIgnore(
  annotations: Annotations,
  holder: string,
  images: readonly UpdatedImage[],
  tags: readonly string[],
  stops = tags.length > 0,
): Record<string, string | null> {
  const record = recordedTags(annotations);
  const ofDigest = stops ? ['*'] : [];
  const wanted = new Map(images.map(({ annotation, byDigest }) => [annotation, byDigest ? ofDigest : tags]));
  const next: Record<string, Added> = {};
  const changes: Record<string, string | null> = {};
  // The application's annotation first: images copy the tags that people wrote there.
  const keys = [...new Set([IGNORE_ALL_IMAGES, ...Object.keys(record), ...wanted.keys()])];
  for (const key of keys) {
    const { added, value } = annotationWith(key, { annotations, record }, holder, wanted.get(key) ?? []);
    if (added !== undefined) next[key] = added;
    if (value !== (annotations[key] ?? null)) changes[key] = value;
  }
  const recorded = Object.keys(next).length === 0 ? null : JSON.stringify(next);
  if (recorded !== (annotations[ADDED_TAGS] ?? null)) changes[ADDED_TAGS] = recorded;
  return changes;
}

function annotationWith(
  key: string,
  { annotations, record }: { annotations: Annotations; record: Record<string, Added> },
  holder: string,
  tags: readonly string[],
): { added: Added | undefined; value: string | null } {
  const text = annotations[key];
  const before = record[key];
  const userTags = userTagsOf(annotations, record, key);
  const existed = text !== undefined && (before?.existed ?? true);
  const added = tags.filter((tag) => !userTags.includes(tag)).toSorted();
  const { [holder]: _ofHolder, ...others } = before?.by ?? {};
  const by = { ...others, ...(added.length > 0 && { [holder]: added }) };
  if (Object.keys(by).length === 0) {
    // Unchanged, as people wrote it, or without what Firebreak added.
    if (before === undefined) return { added: undefined, value: text ?? null };
    return { added: undefined, value: userTags.length > 0 || existed ? userTags.join(', ') : null };
  }
  const copied = existed || key === IGNORE_ALL_IMAGES ? [] : userTagsOf(annotations, record, IGNORE_ALL_IMAGES);
  const all = [...new Set([...userTags, ...copied, ...Object.values(by).flat()])];
  const value = text !== undefined && hasSameTags(tagsIn(text), all) ? text : all.join(', ');
  return { added: { existed, copied, by }, value };
}

/** Returns the tags of an annotation that Firebreak did not add. */
function userTagsOf(annotations: Annotations, record: Record<string, Added>, key: string): string[] {
  const before = record[key];
  const added = new Set(before === undefined ? [] : [...before.copied, ...Object.values(before.by).flat()]);
  return tagsIn(annotations[key]).filter((tag) => !added.has(tag));
}

const hasSameTags = (tags: readonly string[], others: readonly string[]): boolean =>
  tags.length === others.length && tags.every((tag) => others.includes(tag));

/** Reads what Firebreak added. Without a readable record, all tags count as written by people. */
function recordedTags(annotations: Annotations): Record<string, Added> {
  const parsed = AddedByAnnotation.safeParse(parseJson(annotations[ADDED_TAGS] ?? ''));
  return parsed.success ? parsed.data : {};
}

const tagsIn = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
