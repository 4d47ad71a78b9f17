import { LOOK_KEY } from '../annotations.ts';
import type { WorkloadTarget } from '../workload.ts';
import type { Workload } from '../objects.ts';
import type { LookObjects } from './look.ts';
import { LOOK_LABEL, lookHash, lookName, ROLE_LABEL, ROLES } from './template.ts';

/** The duration of an Experiment begins once both pods are available. If they are not by then, it fails, and removes them. */
const PROGRESS_DEADLINE_SECONDS = 120;

/** Says which of several controllers of Argo Rollouts is responsible. */
const CONTROLLER_LABEL = 'argo-rollouts.argoproj.io/controller-instance-id';

/**
 * Returns an Experiment with one pod of each version. Its controller gives each pod an own `rollouts-pod-template-hash`, so the
 * Services of a canary with traffic routing, or of blue/green, send them no requests.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/experiment/
 */
export function experiment({ namespace, name }: WorkloadTarget<Workload>): LookObjects {
  return {
    path: `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/experiments`,
    isControlled: true,
    names: (request) => [lookName(name, request)],
    bodies: (templates, request, { metadata }) => [
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Experiment',
        metadata: {
          name: lookName(name, request),
          namespace,
          labels: {
            'app.kubernetes.io/managed-by': 'firebreak',
            ...(metadata.labels[CONTROLLER_LABEL] !== undefined && {
              [CONTROLLER_LABEL]: metadata.labels[CONTROLLER_LABEL],
            }),
          },
          annotations: { [LOOK_KEY]: request.key },
        },
        spec: {
          duration: `${request.seconds}s`,
          progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
          templates: ROLES.map((role) => ({
            name: role,
            replicas: 1,
            selector: { matchLabels: { [LOOK_LABEL]: lookHash(request), [ROLE_LABEL]: role } },
            template: templates[role],
          })),
        },
      },
    ],
  };
}
