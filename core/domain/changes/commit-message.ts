import type { PushedCommit } from '../../../schemas/changes/code.ts';

/** Maximum number of images, and of commits, stored per message. An image automation can update many services at once. */
const NAMED_MAX = 30;
const REFERENCE_MAX_CHARS = 512;

/** An image with a tag or a digest. Its host can have a port. */
const IMAGE =
  /^(?!sha256:)[a-z0-9][a-z0-9._-]*(?::\d+)?(?:\/[a-z0-9._-]+)*(?::\w[\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/;

/**
 * A line of the default message of Argo CD Image Updater: `updates image ghcr.io/acme/shop tag '1.4.0' to '1.5.0'`.
 *
 * @see https://argocd-image-updater.readthedocs.io/en/stable/basics/update-methods/#changing-the-git-commit-message
 */
const IMAGE_UPDATE = /\bupdates image (\S+) tag ["']?[^"'\s]*["']? to ["']?([^"'\s]+)["']?/i;

/** `owner/name@sha`, as GitHub and GitLab link it, and the address of a commit at GitHub, GitLab, or Bitbucket. */
const COMMIT_NAME = /^([\w.-]+(?:\/[\w.-]+)+)@([0-9a-f]{7,64})$/;
const COMMIT_ADDRESS = /^https?:\/\/[^/]+\/([\w.-]+(?:\/[\w.-]+)+?)(?:\/-)?\/commits?\/([0-9a-f]{7,64})$/;

const ARROWS: readonly (string | undefined)[] = ['->', '→', '=>'];

/**
 * Returns the images that a commit of a repository for deployments says it deploys, and the commits of other
 * repositories that it names. In `old -> new`, as in the documentation of Flux, only the new one counts.
 *
 * @see https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template
 */
export function namesInMessage(message: string): Pick<PushedCommit, 'names'> {
  const lines = message.split('\n');
  const tokens = lines.flatMap(tokensOf);
  const images = [...lines.flatMap(updatedImage), ...tokens.filter((token) => IMAGE.test(token))];
  const commits = tokens.flatMap((token) => {
    const [, repository, commit] = COMMIT_NAME.exec(token) ?? COMMIT_ADDRESS.exec(token) ?? [];
    return repository === undefined || commit === undefined ? [] : [{ repository: repository.toLowerCase(), commit }];
  });
  if (images.length === 0 && commits.length === 0) return {};
  return { names: { images: [...new Set(images)].slice(0, NAMED_MAX), commits: commits.slice(0, NAMED_MAX) } };
}

/** Returns whether a message is the default one of Git, GitHub, or GitLab for a merge: it says what was merged, not what it changes. */
export const isMerge = (message: string): boolean =>
  /^Merge (?:pull request #\d+ from |branch '|remote-tracking branch ')/.test(message);

function updatedImage(line: string): string[] {
  const [, image = '', version = ''] = IMAGE_UPDATE.exec(line) ?? [];
  const reference = version.startsWith('sha256:') ? `${image}@${version}` : `${image}:${version}`;
  return IMAGE.test(reference) ? [reference] : [];
}

/** Returns the words of a line without what surrounds them, and without the ones that an arrow replaces. */
function tokensOf(line: string): string[] {
  const words = line.split(/\s+/);
  return words
    .filter((word, index) => word.length <= REFERENCE_MAX_CHARS && !ARROWS.includes(words[index + 1]))
    .map((word) => word.replace(/^["'`([<]+/, '').replace(/(?<!["'`)\]>,;.])["'`)\]>,;.]+$/, ''));
}
