import { describe, expect, test } from 'vitest';
import { readCdEvent } from '../../../vendors/cdevents/event.ts';
import { received } from '../../support/webhooks.ts';

const read = (name: string, changed?: (payload: any) => unknown) => readCdEvent(received(`cdevents/${name}`, changed));
const DIGEST = 'sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427';
const artifact = (artifactId: string) => (payload: any) => {
  payload.subject.content.artifactId = artifactId;
  return payload;
};

describe('a CDEvent', () => {
  test.each([
    ['service-deployed-0.4', 'deploy'],
    ['service-rolledback-0.4', 'rollback'],
    ['service-deployed-0.5', 'deploy'],
    ['service-upgraded-0.5', 'deploy'],
    ['service-upgraded-structured', 'deploy'],
    ['service-rolledback-0.5', 'rollback'],
  ])('%s: reports a %s', (name, kind) => {
    expect(read(name)).toEqual({
      reports: [
        {
          source: 'cdevents',
          key: '/event/source/123 271069a8-fc18-44f1-b38f-9d70a1695819',
          at: '2023-03-20T14:27:05.315Z',
          subject: { service: 'mySubject123', environment: 'test123' },
          ...(kind === 'rollback' && { kind }),
          status: 'succeeded',
          version: DIGEST,
        },
      ],
    });
  });

  test('whose time is not set happened when it was received', () => {
    const unset = (payload: any) => ({
      ...payload,
      context: { ...payload.context, timestamp: '0001-01-01T00:00:00Z' },
    });
    expect(read('service-deployed-0.5', unset)).toMatchObject({ reports: [{ at: '2026-11-22T16:00:00.000Z' }] });
  });

  test('takes the tag and the image of a package URL', () => {
    const purl = `pkg:oci/checkout@${encodeURIComponent(DIGEST)}?repository_url=ghcr.io/acme/checkout&tag=1.4.0`;
    expect(read('service-deployed-0.5', artifact(purl))).toMatchObject({
      reports: [{ version: '1.4.0', subject: { image: 'ghcr.io/acme/checkout' } }],
    });
    expect(read('service-deployed-0.5', artifact('pkg:golang/mygit.com/myorg/myapp@234fd47e07d1'))).toMatchObject({
      reports: [{ version: '234fd47e07d1' }],
    });
    expect(read('service-deployed-0.5', artifact('927aa808433d'))).toMatchObject({
      reports: [{ version: '927aa808433d' }],
    });
  });

  test('uses the last part of an ID that is a path', () => {
    const changed = (payload: any) => {
      payload.subject.id = 'service/checkout';
      payload.subject.content.environment.id = '/clusters/eu/production';
      return payload;
    };
    expect(read('service-deployed-0.5', changed)).toMatchObject({
      reports: [{ subject: { service: 'checkout', environment: 'production' } }],
    });
  });

  test.each([
    ['service-removed-0.5', 'service removed puts no version live'],
    ['service-published-0.5', 'service published puts no version live'],
    ['environment-created-0.5', 'events about a subject of type environment report no change of a service'],
    ['incident-detected-0.5', 'events about a subject of type incident report no change of a service'],
  ])('%s: is ignored, with the reason', (name, ignored) => {
    expect(read(name)).toEqual({ ignored });
  });

  test('that breaks the specification cannot be read', () => {
    const withoutArtifact = (payload: any) => {
      delete payload.subject.content.artifactId;
      return payload;
    };
    expect(read('service-deployed-0.5', withoutArtifact)).toEqual({
      unreadable: expect.stringContaining('artifactId is missing'),
    });
    expect(
      read('service-deployed-0.5', () => ({ specversion: '1.0', type: 'com.example.deployed', data: {} })),
    ).toEqual({
      unreadable: expect.stringMatching(/^CDEvent: /),
    });
    expect(read('service-deployed-0.5', () => ({ context: { type: 'com.example.deployed' } }))).toEqual({
      unreadable: 'com.example.deployed is no type of a CDEvent, such as dev.cdevents.service.deployed.0.2.0',
    });
    const batch = { ...received('cdevents/service-deployed-0.5'), header: () => 'application/cloudevents-batch+json' };
    expect(readCdEvent(batch)).toEqual({
      unreadable: expect.stringContaining('a batch of CloudEvents is not supported'),
    });
  });
});
