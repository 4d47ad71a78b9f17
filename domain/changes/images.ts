import { Version } from '../../schemas/config/names.ts';

/** Returns the parts of an image reference, such as `ghcr.io/acme/checkout:1.2.3`. */
export function partsOfImage(reference: string): { image: string; tag?: string; digest?: string } {
  const [withTag = '', digest] = reference.split('@', 2);
  const tag = /:([\w][\w.-]{0,127})$/.exec(withTag)?.[1];
  const image = tag === undefined ? withTag : withTag.slice(0, -tag.length - 1);
  return { image, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/**
 * Returns the version of a service by the images of a rollout: the tag of the service's image, or its digest. Undefined
 * if the rollout has none of the service's images, or several versions of them.
 *
 * @param names images of the service, without tag
 */
export function versionOfImages(images: readonly string[], names: readonly string[]): Version | undefined {
  const versions = images.flatMap((reference) => {
    const { image, tag, digest } = partsOfImage(reference);
    return names.includes(image) ? (tag ?? digest ?? []) : [];
  });
  const [version, another] = new Set(versions);
  return another === undefined ? Version.safeParse(version).data : undefined;
}
