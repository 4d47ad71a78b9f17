import * as z from 'zod';

/** Issuers that sign for the jobs of all their customers, with the claims that identify a customer. */
const SHARED_ISSUERS: readonly { issuer: RegExp; claims: readonly string[]; example: string }[] = [
  {
    /** @see https://docs.github.com/en/actions/reference/security/oidc#oidc-token-claims */
    issuer: /^https:\/\/token\.actions\.githubusercontent\.com\/?$/i,
    claims: ['repository', 'repository_id', 'repository_owner', 'repository_owner_id', 'sub'],
    example: 'repository_owner: acme',
  },
  {
    /** @see https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload */
    issuer: /^https:\/\/gitlab\.com\/?$/i,
    claims: ['namespace_path', 'namespace_id', 'project_path', 'project_id', 'sub'],
    example: 'project_path: acme/*',
  },
  {
    /** @see https://buildkite.com/docs/pipelines/security/oidc */
    issuer: /^https:\/\/agent\.buildkite\.com\/?$/i,
    claims: ['organization_slug', 'organization_id', 'sub'],
    example: 'organization_slug: acme',
  },
];

/** Returns why the claims do not identify one customer, with what to add, or undefined if they do. */
function whyTooWide(issuer: string, claims: Readonly<Record<string, string>>): string | undefined {
  const shared = SHARED_ISSUERS.find((candidate) => candidate.issuer.test(issuer));
  if (shared === undefined)
    return Object.values(claims).some((pattern) => /[^*]/.test(pattern))
      ? undefined
      : 'without a claim, every token of this issuer is accepted; add a claim that only your jobs have, e.g. claims: { sub: "project:acme/*" }';
  const isOwner = ([name, pattern]: [string, string]) => shared.claims.includes(name) && namesWholeOwner(name, pattern);
  return Object.entries(claims).some(isOwner)
    ? undefined
    : `${new URL(issuer).host} signs tokens for all its users; add a claim that identifies your organization (${shared.claims.join(', ')}), e.g. claims: { ${shared.example} }`;
}

/** Prefixes of subjects that name their owner. Subjects can be customized to consist of other claims, which do not. */
const SUBJECT = /^(repo|repository|repository_owner|repository_id|repository_owner_id|project_path|organization):/;

/** Returns whether a pattern begins with a whole name: `acme/*` does; `acme*` also matches `acme-evil`. */
function namesWholeOwner(name: string, pattern: string): boolean {
  if (name === 'sub' && !SUBJECT.test(pattern)) return false;
  const [beginning = '', ...rest] = (name === 'sub' ? pattern.replace(SUBJECT, '') : pattern).split('*');
  return rest.length === 0 ? beginning !== '' : /^[^/:]+[/:]/.test(beginning);
}

/**
 * Accepts identity tokens with all these claims; a value can contain `*` for any text. The claims must narrow the
 * tokens: an issuer signs tokens for all its users, and the requester of a token chooses the audience.
 */
export const Identity = z
  .strictObject({
    issuer: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
    audience: z.string().min(1),
    claims: z.record(z.string(), z.string()).default({}),
  })
  .superRefine(({ issuer, claims }, context) => {
    const problem = whyTooWide(issuer, claims);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['claims'], message: problem });
  });
export type Identity = z.infer<typeof Identity>;
