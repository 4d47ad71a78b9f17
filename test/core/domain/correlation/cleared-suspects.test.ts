import { describe, expect, test } from 'vitest';
import { MIN_CONFIDENCE_TO_ACT, correlate } from '../../../../core/domain/correlation/correlate.ts';
import { clearing } from '../../arbitraries.ts';
import { afterDeploy, own, scene, suspectIn, timed, v42, weights } from './scenes.ts';

describe('a change that a person has cleared', () => {
  test('is not a suspect, and the reasons still mention it', () => {
    expect(correlate(afterDeploy({ cleared: [clearing(v42())] }))).toMatchObject({
      suspects: [],
      verdict: 'no_change',
      doubts: [{ code: 'no_change_near', text: expect.stringMatching(/^no other change of the service/) }],
    });
  });

  test('is not a rival: the remaining suspect is as probable as it would be alone', () => {
    const [deploy, config] = [timed('v42', 300, 120), timed('c7', 60, null, { kind: 'config' })];
    const both = scene({ changes: [own(deploy), own(config)] });
    expect(suspectIn(correlate(both)).confidence).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
    expect(correlate({ ...both, cleared: [clearing(config)] }).suspects).toEqual(
      correlate(scene({ changes: [own(deploy)] })).suspects,
    );
  });

  test('still counts as the successor of the version that it replaced', () => {
    const changes = [own(timed('v41', 1800, 1700)), own(timed('v42', 300, 120))];
    const cleared = scene({ changes, cleared: [clearing(timed('v42', 300, 120))] });
    expect(weights(cleared, 'v41')).toEqual(weights(scene({ changes }), 'v41'));
    expect(weights(cleared, 'v41')['replaced']).toBeLessThanOrEqual(-4.5);
  });

  test('covers its version, even if the version was put live twice', () => {
    const changes = [own(timed('v42', 300, 200)), own(timed('v42', 240, 120))];
    expect(correlate(scene({ changes, cleared: [clearing(timed('v42', 240, 120))] })).suspects).toEqual([]);
  });

  test('is suspected as before once the clearing is withdrawn', () => {
    const back = { by: 'bo', at: scene().at };
    expect(correlate(afterDeploy({ cleared: [clearing(v42(), { restored: back })] }))).toEqual(
      correlate(afterDeploy()),
    );
  });
});
