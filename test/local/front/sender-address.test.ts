import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { senderAddress } from '../../../local/front/sender-address.ts';

const PROXIES = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'];

test.each<[what: string, trusted: string[], remote: string, forwarded: string | undefined, sender: string]>([
  ['without trusted proxies, who connects', [], '127.0.0.1', '192.0.2.1', '127.0.0.1'],
  ['who connects and is no proxy, whatever they say', PROXIES, '198.51.100.1', '127.0.0.1', '198.51.100.1'],
  ['what a proxy says', PROXIES, '127.0.0.1', '192.0.2.1', '192.0.2.1'],
  ['what the last of two proxies says', PROXIES, '::ffff:127.0.0.1', '192.0.2.1, 10.1.2.3', '192.0.2.1'],
  ['not what the client has made up before it', PROXIES, '10.0.0.1', '203.0.113.9, 192.0.2.1', '192.0.2.1'],
  ['not a made-up proxy either', PROXIES, '10.0.0.1', '203.0.113.9, 10.9.9.9, 192.0.2.1', '192.0.2.1'],
  ['the proxy, where it says nothing', PROXIES, '10.0.0.1', undefined, '10.0.0.1'],
  ['the proxy, where it says what is no address', PROXIES, '10.0.0.1', 'unknown', '10.0.0.1'],
  ['with a port', PROXIES, '10.0.0.1', '192.0.2.1:4711', '192.0.2.1'],
  ['of IPv6', PROXIES, 'fd00::1', '2001:db8::7', '2001:db8::7'],
])('the sender is %s', (_, trusted, remote, forwarded, sender) => {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  const incoming = { socket: { remoteAddress: remote }, headers } as unknown as IncomingMessage;
  expect(senderAddress(trusted)(incoming)).toBe(sender);
});
