import { isSynced, kubernetesTime } from './controller.ts';
import type { State } from './applications.ts';
import { runningImages } from './image-updater.ts';

/**
 * Returns an application in the format of the API.
 *
 * @see https://github.com/argoproj/argo-cd/blob/master/pkg/apis/application/v1alpha1/types.go
 */
export function applicationJson(state: State, now: number): object {
  const { operation, spec, known } = state;
  const { source, destination } = spec;
  return {
    metadata: metadataJson(state),
    spec,
    status: {
      sync: {
        status: isSynced(state) ? 'Synced' : 'OutOfSync',
        comparedTo: { source, destination },
        revision: known,
      },
      health: healthOf(state, now),
      history: state.history,
      reconciledAt: kubernetesTime(state.comparedAt),
      ...operationStateJson(state),
      sourceType: 'Kustomize',
      summary: imagesJson(state),
    },
    ...(operation && { operation: { sync: operation.sync, initiatedBy: operation.initiatedBy } }),
  };
}

const healthOf = ({ health, healthyAt }: State, now: number): { status: string; message?: string } =>
  health ?? { status: now < healthyAt ? 'Progressing' : 'Healthy' };

const metadataJson = ({ name, namespace, version, labels, annotations, owners }: State): object => ({
  name,
  namespace,
  resourceVersion: String(version),
  ...(Object.keys(labels).length > 0 && { labels }),
  ...(Object.keys(annotations).length > 0 && { annotations }),
  ...(owners.length > 0 && {
    ownerReferences: owners.map((owner) => ({ apiVersion: 'argoproj.io/v1alpha1', ...owner, controller: true })),
  }),
});

/** Returns the operation state. For an operation in progress, its phase is Running. */
function operationStateJson({ operation, operationState, spec }: State): object {
  if (operation === null) return operationState === null ? {} : { operationState };
  const { sync, initiatedBy, startedAt } = operation;
  return {
    operationState: {
      operation: { sync, initiatedBy },
      phase: 'Running',
      message: 'waiting for healthy state of apps/Deployment',
      startedAt: kubernetesTime(startedAt),
      syncResult: { revision: sync.revision, source: sync.source ?? spec.source, resources: [] },
    },
  };
}

function imagesJson(state: State): object {
  const images = runningImages(state);
  return images.length === 0 ? {} : { images };
}

/** HTTP status codes for gRPC codes, as mapped by the gateway. */
const STATUS_OF = { 3: 400, 5: 404, 7: 403, 9: 400, 16: 401 } as const;

export const errorJson = (code: keyof typeof STATUS_OF, message: string): Response =>
  Response.json({ error: message, code, message }, { status: STATUS_OF[code] });
