import * as z from 'zod';
import { Timestamp } from '../time/time.ts';
import { EvidenceLevel } from './config.ts';

/** How the generated rules, routes, or dashboards differ from what a monitoring system has loaded. */
export const GeneratedState = z.object({
  source: z.enum(['Prometheus', 'Alertmanager', 'Grafana']),
  state: z.enum(['same', 'differs', 'none', 'off', 'unreadable']),
  detail: z.string(),
  differences: z.array(
    z.object({ kind: z.enum(['missing', 'changed', 'stale']), name: z.string(), detail: z.string() }),
  ),
});
export type GeneratedState = z.infer<typeof GeneratedState>;

/** What could prove a suspect without a test. */
export const PassiveProof = z.enum(['version', 'canary']);

/**
 * Of the last deploys, how many served beside the old version for long enough to be proved. `by`: requests by version, or the
 * recorded times.
 */
const CountedDeploys = z.object({
  examined: z.int(),
  side_by_side: z.int(),
  by: z.enum(['requests', 'records']).default('requests'),
});
export type CountedDeploys = z.infer<typeof CountedDeploys>;

/**
 * What automation can prove before it acts without a person. `tested`: by a controlled look, or also by comparing versions that
 * serve side by side (`or_proved`). `time`: it acts on coincidence, without proof. `asks`: nothing. `steps`: what would change it.
 */
export const Provability = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('tested'), or_proved: z.boolean(), steps: z.array(z.string()) }),
  z.object({
    kind: z.literal('proved'),
    proofs: z.array(PassiveProof),
    deploys: CountedDeploys.nullable(),
    steps: z.array(z.string()),
  }),
  z.object({ kind: z.literal('time'), steps: z.array(z.string()) }),
  z.object({ kind: z.literal('asks'), because: z.string(), steps: z.array(z.string()) }),
]);
export type Provability = z.infer<typeof Provability>;

/** A check of all connections: the answer of `GET /v1/connections` without what only the machine knows. */
export const Connections = z.object({
  vendors: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['connected', 'set', 'off', 'wrong', 'unreachable', 'incomplete']),
      detail: z.string(),
      mode: z.enum(['real', 'stand-in', 'off']).optional(),
      address: z.string().optional(),
      credentials: z.array(z.string()).optional(),
    }),
  ),
  targets: z.array(
    z.object({
      service: z.string(),
      environment: z.string(),
      deployer: z.string().nullable(),
      mode: z.string(),
      drills: z.boolean(),
      problem: z.string().nullable(),
    }),
  ),
  evidence: z
    .array(
      z.object({
        service: z.string(),
        environment: z.string(),
        level: EvidenceLevel,
        can: Provability,
        proofs: z.array(PassiveProof),
        missing: z.string().nullable(),
        propose: z.array(z.string()),
        deploys: CountedDeploys.nullable(),
      }),
    )
    .meta({
      description:
        'What automation can prove before it acts without a person, for each environment with a deployer (`can`); what could prove a suspect without a test; why not more; lines of YAML for `health` that add the version; and of the last deploys, how many served beside the old version for long enough to be proved',
    }),
  unknown_environments: z
    .array(z.object({ service: z.string(), environment: z.string(), problem: z.string() }))
    .meta({ description: 'Services and environments that have recorded deployments, but no configuration' }),
  unnamed_environments: z
    .array(z.object({ service: z.string(), environments: z.array(z.string()) }))
    .default([])
    .meta({
      description:
        'Services with several environments and no `defaultEnvironment`: alerts that name no environment belong to none of them',
    }),
  unmatched_unread: z.boolean().default(false).meta({
    description: 'Whether warnings without a known service are recorded only, because no route delivers them',
  }),
  judged: z
    .array(z.object({ service: z.string(), environment: z.string(), problem: z.string() }))
    .default([])
    .meta({ description: 'Traffic routers of canaries, and metrics of the judge, that cannot be called' }),
  generated: z.array(GeneratedState).default([]).meta({
    description:
      'How the files of `firebreak slo generate` differ from what Prometheus, Alertmanager, and Grafana have loaded. `none`: nothing generated is loaded',
  }),
  secrets: z.array(z.object({ runbook: z.string(), name: z.string() })).meta({
    description: 'Secrets that a runbook, or the file of the configuration in its place, names, but that are not set',
  }),
  watched: z.boolean().nullable().meta({
    description:
      'Whether Prometheus scrapes Firebreak as the job `firebreak`. Null if Prometheus is not configured or not reachable',
  }),
  objectives: z.object({
    configured: z.number(),
    evaluated_at: Timestamp.nullable(),
    problem: z.string().nullable(),
    failing: z.number(),
    errors: z.array(
      z.object({
        id: z.string(),
        service: z.string(),
        environment: z.string(),
        problem: z.string(),
        since: Timestamp.nullable(),
      }),
    ),
  }),
});
export type Connections = z.infer<typeof Connections>;

/** The last check of all connections, for those who cannot check them themselves. */
export const StoredConnections = z.object({ at: Timestamp, by: z.string(), connections: Connections });
export type StoredConnections = z.infer<typeof StoredConnections>;
