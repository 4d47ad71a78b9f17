/** FNV-1a with 64 bits, as four parts of 16 bits, the lowest first: `BigInt` takes 20 times as long. The prime is 2^40 + 435. */
const OFFSET = [0x2325, 0x8422, 0x9ce4, 0xcbf2] as const;
const PRIME_LOW = 435;

const SEPARATOR = 255;

/**
 * Returns the fingerprint of an alert with these labels, as Prometheus and Alertmanager compute it: 16 hexadecimal digits.
 * Alertmanager before 0.19, and programs that write its format, do not send it. A label without a value counts as absent.
 *
 * @see https://pkg.go.dev/github.com/prometheus/common/model#LabelSet.Fingerprint
 */
export function fingerprintOf(labels: ReadonlyMap<string, string>): string {
  let [a, b, c, d] = OFFSET as readonly [number, number, number, number];
  const add = (byte: number): void => {
    const mixed = a ^ byte;
    const first = mixed * PRIME_LOW;
    const second = b * PRIME_LOW + (first >>> 16);
    const third = c * PRIME_LOW + (second >>> 16) + (mixed << 8);
    const fourth = d * PRIME_LOW + (third >>> 16) + (b << 8);
    a = first & 0xffff;
    b = second & 0xffff;
    c = third & 0xffff;
    d = fourth & 0xffff;
  };
  const bytes = [...labels]
    .filter(([, value]) => value !== '')
    .map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const)
    .toSorted(([one], [other]) => Buffer.compare(one, other));
  for (const label of bytes)
    for (const text of label) {
      for (const byte of text) add(byte);
      add(SEPARATOR);
    }
  return [d, c, b, a].map((part) => part.toString(16).padStart(4, '0')).join('');
}
