import { Artifact } from '../../../schemas/changes/change.ts';
import { Version } from '../../../schemas/config/names.ts';

/** Returns the parts of an image reference, such as `ghcr.io/acme/checkout:1.2.3`. */
export function partsOfImage(reference: string): { image: string; tag?: string; digest?: string } {
  const [withTag = '', digest] = reference.split('@', 2);
  const tag = /:([\w][\w.-]{0,127})$/.exec(withTag)?.[1];
  const image = tag === undefined ? withTag : withTag.slice(0, -tag.length - 1);
  return { image, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** Returns what the tag of an image meant, for reports of one sender or object. Undefined: the reference has no digest. */
export function artifactOfImage(reportedBy: string, reference: string | undefined): Artifact | undefined {
  const { image, tag, digest } = partsOfImage(reference ?? '');
  return tag === undefined ? undefined : artifactOf(`${reportedBy} ${image}`, digest);
}

/** Returns an artifact. Undefined: the text is no digest and names no chart, or it is too long to be shown in a version. */
export const artifactOf = (of: string, id: string | undefined): Artifact | undefined =>
  Artifact.safeParse({ of, id }).data;

/**
 * Returns the version of a service by the images of a rollout: the tag of the service's image, or its digest. Undefined
 * if the rollout has none of the service's images, or several versions of them.
 *
 * @param serviceImages images of the service, without tag
 */
export function versionOfImages(images: readonly string[], serviceImages: readonly string[]): Version | undefined {
  return Version.safeParse(versionIn(imageOfService(images, serviceImages) ?? '')).data;
}

/** Returns the image of a rollout that is the service's own. Undefined: it has none, or several versions of them. */
export function imageOfService(images: readonly string[], serviceImages: readonly string[]): string | undefined {
  const ownImages = images.filter((reference) => serviceImages.includes(partsOfImage(reference).image));
  return new Set(ownImages.flatMap((reference) => versionIn(reference) ?? [])).size === 1 ? ownImages[0] : undefined;
}

/** A tag that names a commit, in full or abbreviated: `4c1f0d9`, `sha-4c1f0d9`. */
const COMMIT_TAG = /^(?:sha-)?([0-9a-f]{7,40})$/;

/** Returns the known commit that a tag names. Undefined: it names none, or several. */
export function commitOfTag(reference: string, commits: readonly string[]): string | undefined {
  const digits = COMMIT_TAG.exec(partsOfImage(reference).tag ?? '')?.[1];
  return digits === undefined ? undefined : commitBeginning(digits, commits);
}

/** Returns the only known commit that begins with these digits. */
export function commitBeginning(digits: string, commits: readonly string[]): string | undefined {
  const [found, another] = new Set(commits.filter((sha) => sha.startsWith(digits)));
  return another === undefined ? found : undefined;
}

function versionIn(reference: string): string | undefined {
  const { tag, digest } = partsOfImage(reference);
  return tag ?? digest;
}
