/**
 * Labels that tell the instances of versions apart, but do not name the version: `canary` and `stable`, or a hash. They
 * are versions only if the CD system records them as such.
 */
const OF_INSTANCES: ReadonlySet<string> = new Set(['track', 'label_track', 'pod_template_hash']);

export const isOfInstances = (label: string): boolean => OF_INSTANCES.has(label);
