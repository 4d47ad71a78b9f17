import { lookup as lookUpHost, type LookupAddress } from 'node:dns';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Networks inside of IPv4 and of the IPv6 space of public addresses that are not public (IANA's registries, read 2026-11). */
const RESERVED_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
const PUBLIC_V6 = ['2000::', 3] as const;
/** Some of these are tunnels, which lead to any IPv4 address. */
const RESERVED_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const reserved = new BlockList();
for (const [net, prefix] of RESERVED_V4) reserved.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of RESERVED_V6) reserved.addSubnet(net, prefix, 'ipv6');
const publicV6 = new BlockList();
publicV6.addSubnet(...PUBLIC_V6, 'ipv6');

/** Returns whether an IP address is a public one. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !reserved.check(address, 'ipv4');
    case 6:
      return publicV6.check(address, 'ipv6') && !reserved.check(address, 'ipv6');
    default:
      return false;
  }
}

/** Thrown for a host with an address that is not public. Nothing was sent. */
export class NotPublic extends Error {
  override readonly name = 'NotPublic';

  constructor(host: string) {
    super(`${host} has an address that is not public`);
  }
}

/** Maximum bytes of a response body, whose content does not matter. */
const RESPONSE_MAX_BYTES = 64 * 1024;

type Options = {
  body: string;
  headers: Record<string, string>;
  timeoutMs: number;
  /** Which addresses may be called. Default: public ones. */
  isAllowed?: (address: string) => boolean;
};

/**
 * Sends a POST request to an address that a stranger may have entered. The addresses of its host are checked when the
 * connection is made, and the connection uses one of the checked addresses, so that a name cannot change in between.
 * Doesn't follow redirects, and returns nothing of the body.
 *
 * @throws NotPublic, and errors of the connection
 */
export async function publicPost(
  url: string,
  { body, headers, timeoutMs, isAllowed = isPublicAddress }: Options,
): Promise<{ status: number; headers: Headers }> {
  const { protocol, hostname } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  // Node does not look up addresses.
  if (isIP(host) !== 0 && !isAllowed(host)) throw new NotPublic(host);
  const signal = AbortSignal.timeout(timeoutMs);
  const request = (protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    lookup: checkedLookup(isAllowed),
    agent: false,
    signal,
  });
  const response = await new Promise<IncomingMessage>((answered, failed) => {
    request.once('response', answered);
    request.on('error', failed);
    request.end(body);
  });
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > RESPONSE_MAX_BYTES) request.destroy();
  });
  response.on('error', () => undefined); // the status is known
  await new Promise<void>((done) => void response.once('close', done));
  return { status: response.statusCode ?? 0, headers: headersOf(response) };
}

/** Refuses a name with any address that is not allowed: which one the connection uses would be random. */
const checkedLookup =
  (isAllowed: (address: string) => boolean): LookupFunction =>
  (host, options, done) => {
    lookUpHost(host, { ...options, all: true }, (error, found) => {
      const addresses: readonly LookupAddress[] = found;
      if (error) return done(error, '', 4);
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isAllowed(address)))
        return done(new NotPublic(host), '', 4);
      return options.all === true ? done(null, [...addresses]) : done(null, first.address, first.family);
    });
  };

const headersOf = ({ headers }: IncomingMessage): Headers =>
  new Headers(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );
