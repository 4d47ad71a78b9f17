/** Names of local resources; on AWS, `infra/names.ts` derives them from the stage. */
export const NAMES = {
  table: 'firebreak',
  bucket: 'firebreak',
  snapshotBucket: 'firebreak-status',
  stage: 'local',
  secrets: '/firebreak/local',
} as const;
