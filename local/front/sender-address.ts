import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/**
 * Returns the address of a request's sender. `X-Forwarded-For` counts only as far as trusted proxies wrote it:
 * everything left of the first untrusted address may be forged.
 */
export function senderAddress(trusted: readonly string[]): (incoming: IncomingMessage) => string {
  const proxies = new BlockList();
  for (const proxy of trusted) {
    const [address = '', bits] = proxy.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string) =>
    isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return ({ socket, headers }) => {
    const remote = plainAddress(socket.remoteAddress ?? '');
    if (trusted.length === 0) return remote;
    const hops = [headers['x-forwarded-for'] ?? []]
      .flat()
      .join(',')
      .split(',')
      .map((hop) => plainAddress(hop.trim()));
    let sender = remote;
    while (isTrusted(sender)) {
      const before = hops.pop();
      if (before === undefined || isIP(before) === 0) break;
      sender = before;
    }
    return sender;
  };
}

/** Returns a plain IPv4 address, without an IPv6 prefix or a port. */
const plainAddress = (address: string): string =>
  address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
