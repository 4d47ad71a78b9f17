import * as z from 'zod';
import { HttpUrl, SecretName } from '../config/endpoint.ts';
import { EnvironmentName } from '../config/names.ts';
import { FEATURE_DELIVERY } from '../../features/names.ts';

/** A registry that is asked for the commits of images. */
const Registry = z.strictObject({
  /** As in the names of images: `ghcr.io`, `docker.io`, `registry.example.com:5000`. */
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9.-]+(?::\d{1,5})?$/, 'must be a host name, with a port if it has one'),
  /** Address of its API. Absent: `https://` and the host. */
  url: HttpUrl.optional(),
  username: z.string().min(1).optional(),
  /** The secret with its password or access token. Absent: images that everyone may pull. */
  password: SecretName.optional(),
});
export type Registry = z.infer<typeof Registry>;

/** `config/delivery.yaml`: the environments of production, and what is asked about their deploys. */
export const DeliveryFile = z.strictObject({
  /** Environments that count if a query names none. */
  environments: z
    .array(EnvironmentName)
    .min(1)
    .default(['production' as EnvironmentName, 'prod' as EnvironmentName]),
  /** Registries whose images name their commit by the label `org.opencontainers.image.revision`. */
  registries: z.array(Registry).max(20).default([]),
  /**
   * The alert about alerting rules and routes, loaded in Prometheus and Alertmanager, that differ from what `firebreak
   * slo generate` writes. `info`: it only notifies. `ticket`: it opens an incident. `off`: only `firebreak doctor`
   * compares them.
   */
  driftAlert: z.enum(['info', 'ticket', 'off']).default('info'),
  ...FEATURE_DELIVERY,
});
export type DeliveryFile = z.infer<typeof DeliveryFile>;
