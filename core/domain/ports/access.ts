import type { Identity } from '../../../schemas/access/identity-claims.ts';
import type { NewToken, TokenRecord } from '../../../schemas/access/access.ts';
import type { Session, SignedIn } from '../../../schemas/access/session.ts';
import type { SignInSettings } from '../../../schemas/people/people.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Page } from './common.ts';

export type Tokens = {
  find(hash: string): Promise<TokenRecord | undefined>;
  /**
   * @param request the same one again creates the same token
   * @throws NameTaken
   */
  create(token: NewToken, by: string, request?: TokenRequest): Promise<{ record: TokenRecord; secret: string }>;
  list(query: { limit: number; cursor?: string }): Promise<Page<TokenRecord>>;
  /** Revokes a token, which stays listed. False: no such token, or already revoked. */
  revoke(id: string, by: string): Promise<boolean>;
  /** Returns the records that Firebreak did not write. */
  check(): Promise<TokenAudit>;
};

/** `credential` of the caller: the secret is derived from both, because what is derived is not stored. */
export type TokenRequest = { key: string; credential: string };

export type TokenAudit = {
  valid: number;
  /** Valid while FIREBREAK_ADMIN_TOKEN_PREVIOUS is set, until they are used. */
  previous: { id: string; name: string }[];
  /** Listed records that do not authenticate. */
  refused: { id: string; name: string }[];
  /** Tokens that were used although Firebreak did not write their record; `at`: last use. */
  used: { name: string; at: string }[];
};

/** Sessions of people in the console, by the hash of a secret that only the browser has. */
export type Sessions = {
  begin(hash: string, session: Session): Promise<void>;
  /** Undefined: there is none, it has expired, it was idle for too long, or Firebreak did not write it. */
  find(hash: string): Promise<Session | undefined>;
  /** Stores that the person is active now. No effect on a session that has ended. */
  touch(hash: string, session: Session): Promise<void>;
  end(hash: string): Promise<void>;
  /** Ends all sessions of a person. */
  endAll(name: string): Promise<void>;
  /** Stores a login link by the hash of its secret. */
  offerLink(hash: string, link: Session): Promise<void>;
  /** Uses up a login link. Undefined: as for `find`, or it was used before. */
  useLink(hash: string): Promise<Session | undefined>;
};

/** Signs people in with an identity provider (OpenID Connect, authorization code with PKCE). */
export type SignIn = {
  /**
   * Returns the address to which the browser is sent, and what it keeps until it returns.
   *
   * @param returnTo address to which the identity provider sends the browser back
   * @throws SignInFailed
   */
  begin(settings: SignInSettings, returnTo: string): Promise<{ url: string; signIn: PendingSignIn }>;
  /**
   * Returns who signed in.
   *
   * @param returned address with the identity provider's answer
   * @throws SignInFailed
   */
  finish(settings: SignInSettings, returned: URL, signIn: PendingSignIn): Promise<SignedIn>;
};

/** Path to which the identity provider sends the browser back. */
export const RETURN_PATH = '/login/oidc/return';

/** Secrets of a sign-in that only the browser that began it has. */
export type PendingSignIn = { state: string; nonce: string; verifier: string };

/** A sign-in that did not succeed. `refused`: the identity provider or its answer; otherwise it could not be asked. */
export class SignInFailed extends Error {
  override readonly name = 'SignInFailed';
  readonly refused: boolean;

  constructor(text: string, refused: boolean) {
    super(text);
    this.refused = refused;
  }
}
/** The question to which a link leads, until when. */
export type ApprovalLink = { decision: DecisionView['id']; until: Timestamp };

/** Signs links to questions. A link authorizes nothing: its page asks who opens it. */
export type ApprovalLinks = {
  /** Undefined: no key is set. */
  sign(link: ApprovalLink): Promise<string | undefined>;
  /** Undefined: Firebreak did not sign it, or its key was replaced. The link may have expired. */
  read(text: string): Promise<ApprovalLink | undefined>;
};

/** Verifies identity tokens of CI systems (OpenID Connect). */
export type IdentityTokens = {
  /**
   * Checks that an accepted identity signed the token, with the required claims and audience, and that it is valid now.
   */
  verify(
    token: string,
    accepted: readonly Identity[],
  ): Promise<{ ok: true; subject: string } | { ok: false; problem: string }>;
  /** Returns why the keys of an issuer cannot be read, or null if they can. */
  problemOf(issuer: string): Promise<string | null>;
};
