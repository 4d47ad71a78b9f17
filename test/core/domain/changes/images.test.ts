import { describe, expect, test } from 'vitest';
import { partsOfImage, versionOfImages } from '../../../../core/domain/changes/images.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

test.each([
  ['ghcr.io/acme/checkout:1.2.3', { image: 'ghcr.io/acme/checkout', tag: '1.2.3' }],
  ['localhost:5000/checkout', { image: 'localhost:5000/checkout' }],
  ['localhost:5000/checkout:v1', { image: 'localhost:5000/checkout', tag: 'v1' }],
  [`checkout@${DIGEST}`, { image: 'checkout', digest: DIGEST }],
  [`checkout:v1@${DIGEST}`, { image: 'checkout', tag: 'v1', digest: DIGEST }],
])('%s has its parts', (reference, parts) => {
  expect(partsOfImage(reference)).toEqual(parts);
});

describe('the version of a service', () => {
  const names = ['ghcr.io/acme/checkout', 'ghcr.io/acme/checkout-worker'];

  test('is the tag of its images, otherwise the digest', () => {
    const sidecar = 'docker.io/envoyproxy/envoy:v1.33';
    expect(versionOfImages([sidecar, `${names[0]}:1.2`, `${names[1]}:1.2`], names)).toBe('1.2');
    expect(versionOfImages([`${names[0]}@${DIGEST}`], names)).toBe(DIGEST);
  });

  test('is unknown without its images, or if they have several versions', () => {
    expect(versionOfImages(['ghcr.io/acme/other:1.2'], names)).toBeUndefined();
    expect(versionOfImages([names[0] ?? ''], names)).toBeUndefined();
    expect(versionOfImages([`${names[0]}:1.2`, `${names[1]}:1.3`], names)).toBeUndefined();
  });
});
