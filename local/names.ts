/** Names of local resources; on AWS, `infra/names.ts` derives them from the stage. */
export const NAMES = {
  table: 'firebreak',
  bucket: 'firebreak',
  stage: 'local',
  secrets: '/firebreak/local',
  http: 'firebreak-local-http',
  slack: 'firebreak-local-slack',
  hear: 'firebreak-local-hear',
  route: 'firebreak-local-route',
  sweep: 'firebreak-local-sweep',
  evaluate: 'firebreak-local-evaluate',
  digest: 'firebreak-local-digest',
  project: 'firebreak-local-project',
  workflow: 'firebreak-local-incident-response',
} as const;
