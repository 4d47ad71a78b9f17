import type { DigestOf } from '../../domain/ports/messages.ts';
import type { Subject, ProjectionTargetName } from '../../../schemas/incidents/projection.ts';
import { type Key, part } from './parts.ts';

/** Keys of what targets and stakeholders are shown. */
export const projectionKeys = {
  /** Updates that targets still have to show. */
  due: (subject: Subject): Key => ({ pk: 'DUE', sk: subject }),
  dues: (): Pick<Key, 'pk'> => ({ pk: 'DUE' }),
  /** The lease of a projection target, and its remaining call quota. */
  projector: (target: ProjectionTargetName): Key => ({ pk: `PROJECTOR#${target}`, sk: 'PROJECTOR' }),
  /** What a projection target shows of a subject. */
  projection: (target: ProjectionTargetName, subject: Subject): Key => ({ pk: `PRJ#${subject}`, sk: target }),
  /** A message that a projection target has been sent. */
  sent: (target: ProjectionTargetName, subject: Subject, key: string): Key => ({
    pk: `PRJ#${subject}`,
    sk: `${target}#${part(key)}`,
  }),
  /** The last notification of a stakeholder: about an incident, or of the shadow report. */
  digest: (of: DigestOf, stakeholder: string): Key => ({
    pk: of === 'shadow-report' ? 'REPORT#shadow' : `INC#${of}`,
    sk: `DIGEST#${stakeholder}`,
  }),
  /** A channel to stakeholders that is paused. */
  digestPause: (channel: string): Key => ({ pk: 'DIGESTPAUSE', sk: channel }),
  digestPauses: (): Pick<Key, 'pk'> => ({ pk: 'DIGESTPAUSE' }),
  /** The last number of a sequence. */
  counter: (row: string): Key => ({ pk: `COUNTER#${part(row)}`, sk: 'COUNTER' }),
};
