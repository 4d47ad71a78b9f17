import { repositoryPathOf } from '../catalogue/repositories.ts';
import { isCommit } from '../changes/version-identity.ts';

/**
 * Returns the page of a forge that compares two commits. The forge is that of the repository's URL, or of a page about
 * one of the changes, such as its workflow run. Null: the commits or the forge are not known.
 *
 * @param repository a URL, or a path such as `acme/checkout`
 */
export function diffLink(
  repository: string | undefined,
  {
    from,
    to,
    pages,
  }: { from: string | null | undefined; to: string | null | undefined; pages: readonly (string | null | undefined)[] },
): string | null {
  if (repository === undefined || !isCommit(from ?? '') || !isCommit(to ?? '') || from === to) return null;
  const path = repositoryPathOf(repository);
  const addresses = [repository, ...pages].flatMap((address) =>
    URL.canParse(address ?? '') ? [new URL(address ?? '')] : [],
  );
  for (const { protocol, host, pathname } of addresses) {
    const isWeb = protocol === 'https:' || protocol === 'http:';
    const lowercasePath = pathname.toLowerCase().replace(/\.git$/, '');
    if (!isWeb || (lowercasePath !== `/${path}` && !lowercasePath.startsWith(`/${path}/`))) continue;
    const isGitlab = lowercasePath.startsWith(`/${path}/-/`) || host.includes('gitlab');
    return `${protocol}//${host}${pathname.slice(0, path.length + 1)}/${isGitlab ? '-/' : ''}compare/${from}...${to}`;
  }
  return null;
}
