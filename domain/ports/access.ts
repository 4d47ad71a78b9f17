import type { NewToken, TokenRecord } from '../../schemas/access/access.ts';
import type { Page } from './common.ts';

export type Tokens = {
  find(hash: string): Promise<TokenRecord | undefined>;
  /** @throws NameTaken */
  create(token: NewToken, by: string): Promise<{ record: TokenRecord; secret: string }>;
  list(query: { limit: number; cursor?: string }): Promise<Page<TokenRecord>>;
  /** Revokes a token, which stays listed. False: no such token, or already revoked. */
  revoke(id: string, by: string): Promise<boolean>;
  /** Returns the records that Firebreak did not write. */
  check(): Promise<TokenAudit>;
};

export type TokenAudit = {
  valid: number;
  /** Valid while FIREBREAK_ADMIN_TOKEN_PREVIOUS is set, until they are used. */
  previous: { id: string; name: string }[];
  /** Listed records that do not authenticate. */
  refused: { id: string; name: string }[];
  /** Tokens that were used although Firebreak did not write their record; `at`: last use. */
  used: { name: string; at: string }[];
};
