import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { senderAddress } from '../../../local/front/sender-address.ts';

const PROXIES = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'];

test.each<[what: string, trusted: string[], remote: string, forwarded: string | undefined, sender: string]>([
  ['the connecting address, without trusted proxies', [], '127.0.0.1', '192.0.2.1', '127.0.0.1'],
  [
    'the connecting address if it is not a proxy, regardless of its headers',
    PROXIES,
    '198.51.100.1',
    '127.0.0.1',
    '198.51.100.1',
  ],
  ['the address that a proxy reports', PROXIES, '127.0.0.1', '192.0.2.1', '192.0.2.1'],
  ['the address that the last of two proxies reports', PROXIES, '::ffff:127.0.0.1', '192.0.2.1, 10.1.2.3', '192.0.2.1'],
  ['not an address that the client has forged before it', PROXIES, '10.0.0.1', '203.0.113.9, 192.0.2.1', '192.0.2.1'],
  ['not a forged proxy either', PROXIES, '10.0.0.1', '203.0.113.9, 10.9.9.9, 192.0.2.1', '192.0.2.1'],
  ['the proxy, if it reports nothing', PROXIES, '10.0.0.1', undefined, '10.0.0.1'],
  ['the proxy, if it reports an invalid address', PROXIES, '10.0.0.1', 'unknown', '10.0.0.1'],
  ['with a port', PROXIES, '10.0.0.1', '192.0.2.1:4711', '192.0.2.1'],
  ['of IPv6', PROXIES, 'fd00::1', '2001:db8::7', '2001:db8::7'],
])('the sender is %s', (_, trusted, remote, forwarded, sender) => {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  const incoming = { socket: { remoteAddress: remote }, headers } as unknown as IncomingMessage;
  expect(senderAddress(trusted)(incoming)).toBe(sender);
});
