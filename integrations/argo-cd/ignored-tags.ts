import * as z from 'zod';
import type { Version } from '../../schemas/config/names.ts';
import { json } from '../shared/http.ts';

/**
 * The annotations by which Argo CD Image Updater is configured. An image's own `ignore-tags` replaces the one of the
 * application.
 * @see https://argocd-image-updater.readthedocs.io/en/release-0.16/configuration/images/ (read 2026-11)
 */
const PREFIX = 'argocd-image-updater.argoproj.io';
const IMAGE_LIST = `${PREFIX}/image-list`;
const IGNORE_ALL_IMAGES = `${PREFIX}/ignore-tags`;

/** The annotation with what Firebreak added, so that it removes exactly that. */
export const ADDED = 'firebreak/ignored-tags';

export type Annotations = Readonly<Record<string, string>>;

/** What was added to one annotation. */
const Added = z.object({
  /** Whether the annotation existed before. */
  existed: z.boolean(),
  /** Tags of the application's annotation, which the image's own one replaces. */
  copied: z.array(z.string()).default([]),
  /** Added tags of each service and environment that the application belongs to. */
  by: z.record(z.string(), z.array(z.string())),
});
type Added = z.infer<typeof Added>;
const AddedTags = z.record(z.string(), Added);

export type UpdatedImage = {
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
        image: name.replace(/@.*$/, '').replace(/:[^/]*$/, ''),
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
 * `holder`, and no other tags that Firebreak added on its behalf. Null removes an annotation. What people wrote, and
 * what was added for others, is kept. Empty: nothing is to do.
 */
export function ignoring(
  annotations: Annotations,
  holder: string,
  images: readonly UpdatedImage[],
  tags: readonly string[],
): Record<string, string | null> {
  const record = recordIn(annotations);
  const wanted = new Map(
    images.map(({ annotation, byDigest }) => [annotation, byDigest && tags.length > 0 ? ['*'] : tags]),
  );
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
  if (recorded !== (annotations[ADDED] ?? null)) changes[ADDED] = recorded;
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
  const own = peoplesTags(annotations, record, key);
  const existed = text !== undefined && (before?.existed ?? true);
  const added = tags.filter((tag) => !own.includes(tag)).toSorted();
  const { [holder]: _mine, ...others } = before?.by ?? {};
  const by = { ...others, ...(added.length > 0 && { [holder]: added }) };
  if (Object.keys(by).length === 0) {
    // Unchanged, as people wrote it, or without what Firebreak added.
    if (before === undefined) return { added: undefined, value: text ?? null };
    return { added: undefined, value: own.length > 0 || existed ? own.join(', ') : null };
  }
  const copied = existed || key === IGNORE_ALL_IMAGES ? [] : peoplesTags(annotations, record, IGNORE_ALL_IMAGES);
  const all = [...new Set([...own, ...copied, ...Object.values(by).flat()])];
  const value = text !== undefined && isSame(tagsIn(text), all) ? text : all.join(', ');
  return { added: { existed, copied, by }, value };
}

/** Returns the tags of an annotation that Firebreak did not add. */
function peoplesTags(annotations: Annotations, record: Record<string, Added>, key: string): string[] {
  const before = record[key];
  const added = new Set(before === undefined ? [] : [...before.copied, ...Object.values(before.by).flat()]);
  return tagsIn(annotations[key]).filter((tag) => !added.has(tag));
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one) => others.includes(one));

/** An unreadable record counts as none: what it named is kept as if people had written it. */
function recordIn(annotations: Annotations): Record<string, Added> {
  const read = AddedTags.safeParse(json(annotations[ADDED] ?? ''));
  return read.success ? read.data : {};
}

const tagsIn = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
