import * as z from 'zod';
import { revokeToken } from '../../../../actions/people/revoke-token.ts';
import { field, type PageAction } from '../page.ts';

/** What a person can do on the settings page. Everything else changes in files or with the command line. */
export const SETTINGS_ACTIONS = {
  'revoke-token': {
    permission: 'tokens:write',
    done: 'The token is revoked. Its sessions have ended.',
    run: async (deps, { caller, form }) => revokeToken(deps, caller, field(form, 'id', z.string().max(64))),
  },
} satisfies Readonly<Record<string, PageAction>>;
