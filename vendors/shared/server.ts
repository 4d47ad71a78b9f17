import { withoutTrailingSlash } from './client.ts';

/** An HTTP API of the operator, such as Prometheus, and the headers that authenticate Firebreak there. */
export type Server = {
  /** Without a slash at its end. */
  url: string;
  headers: Readonly<Record<string, string>>;
};

/** Settings of authentication. A bearer token takes precedence. */
export type ServerCredentials = {
  token?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
};

export function serverAt(url: string, { token, user, password = '' }: ServerCredentials = {}): Server {
  const authorization = token
    ? `Bearer ${token}`
    : user
      ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
      : undefined;
  return { url: withoutTrailingSlash(url), headers: authorization === undefined ? {} : { authorization } };
}
