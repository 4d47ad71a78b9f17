import type { Timestamp } from '../../../schemas/time/time.ts';
import type { TextPart } from '../changes/text-links.ts';
import type { VendorResponse } from './vendor-response.ts';

/** Annotation on graphs: a point in time, or a region with `until`. */
export type Annotation = {
  from: Timestamp;
  until: Timestamp | null;
  tags: readonly string[];
  text: string;
  /** What a sender that may report deploys wrote, with links. Absent: nothing. */
  note?: readonly TextPart[];
  /** Link to a page with the details. Absent: none. */
  url?: string;
  /** Page of the system that reported it, such as the run of a pipeline. Absent: none. */
  sourceUrl?: string;
};

/** Annotations on graphs. One attempt per call. */
export type Annotations = {
  /** Finds the newest annotation with this tag. */
  find(tag: string): Promise<VendorResponse<{ id: string } | null>>;
  create(annotation: Annotation): Promise<VendorResponse<{ id: string }>>;
  /** Updates an annotation. Refused with `not_found` if someone deleted it. */
  update(id: string, annotation: Annotation): Promise<VendorResponse<null>>;
};
