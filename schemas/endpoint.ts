import * as z from 'zod';

/** The name of a secret, as in the environment. Never the secret itself. */
export const SecretName = z.string().regex(/^[A-Z][A-Z0-9_]{0,127}$/, 'the name of a secret looks like CD_TOKEN');

export const HttpUrl = z.url({ protocol: /^https?$/, error: 'an http or https URL' });
