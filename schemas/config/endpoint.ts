import * as z from 'zod';

/** Name of a secret, as in the environment. Never the secret itself. */
export const SecretName = z.string().regex(/^[A-Z][A-Z0-9_]{0,127}$/, 'must be the name of a secret, such as CD_TOKEN');

export const HttpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** Returns whether a host name, as in `URL.hostname`, is this machine. */
export const isLoopbackHostname = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
