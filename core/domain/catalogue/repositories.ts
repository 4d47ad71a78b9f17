/**
 * Returns the path of a repository in lowercase, such as `owner/name` or `group/subgroup/name`, because forges don't
 * distinguish case.
 *
 * @param text the path, or the web or SSH address of the repository, with or without `.git`
 */
export const repositoryPathOf = (text: string): string =>
  text
    .trim()
    .replace(/^(?:[a-z+]+:\/\/(?:[^/@]+@)?[^/]+\/|[^/@:]+@[^/:]+:\/?|(?:github|gitlab)\.com\/)/i, '')
    .replace(/(?<!\/)(?:\.git)?\/*$/, '')
    .toLowerCase();
