/**
 * Returns the path of a repository in lowercase, such as `owner/name` or `group/subgroup/name`: of the path itself, or
 * of its web or SSH address, with or without `.git`. Forges don't distinguish case.
 */
export const repositoryPathOf = (text: string): string =>
  text
    .trim()
    .replace(/^(?:[a-z+]+:\/\/(?:[^/@]+@)?[^/]+\/|[^/@:]+@[^/:]+:\/?|(?:github|gitlab)\.com\/)/i, '')
    .replace(/(?:\.git)?\/*$/, '')
    .toLowerCase();
