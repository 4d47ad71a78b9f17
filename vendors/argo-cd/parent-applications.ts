import type { Application } from './application.ts';
import type { Calls } from './rest.ts';

/**
 * The tracking annotation and labels that name the application of an object. The last label is the default before Argo
 * CD 3.
 */
const TRACKING_ID = 'argocd.argoproj.io/tracking-id';
const INSTANCE_LABELS = ['argocd.argoproj.io/instance', 'app.kubernetes.io/instance'];

/**
 * Returns a text that names the parent that would restore the Application's sync policy; null if there is none.
 * @see https://argo-cd.readthedocs.io/en/stable/operator-manual/cluster-bootstrapping/
 */
export async function restoringParent(calls: Calls, application: Application): Promise<string | null> {
  const set = application.metadata.ownerReferences?.find(({ kind }) => kind === 'ApplicationSet');
  if (set) return `the ApplicationSet ${set.name} generates it and would undo the change`;
  const parent = parentOf(application);
  if (parent === undefined) return null;
  const found = await calls.otherApplication(parent.name, parent.namespace);
  if (found === undefined)
    return `it belongs to the application ${parent.name}, which can't be read and may undo the change`;
  return restoresSyncPolicy(found)
    ? `it belongs to the application ${parent.name}, whose automated sync would undo the change`
    : null;
}

type ApplicationName = { name: string; namespace: string | undefined };

function parentOf({ metadata }: Application): ApplicationName | undefined {
  const { name, annotations, labels } = metadata;
  const [parent, kind, object] = (annotations?.[TRACKING_ID] ?? '').split(':');
  // An annotation that was copied from another object still names that object.
  if (parent && kind === 'argoproj.io/Application' && object?.split('/').at(-1) === name)
    return parseTrackedName(parent);
  const instance = INSTANCE_LABELS.map((key) => annotations?.[key] ?? labels?.[key]).find(Boolean);
  return instance === undefined || instance === name ? undefined : parseTrackedName(instance);
}

/** Parses a tracked name. Applications outside Argo CD's own namespace are tracked as `namespace_name`. */
function parseTrackedName(text: string): ApplicationName {
  const separator = text.indexOf('_');
  return separator === -1
    ? { name: text, namespace: undefined }
    : { name: text.slice(separator + 1), namespace: text.slice(0, separator) };
}

const SYNC_POLICY_POINTERS = ['/spec', '/spec/syncPolicy', '/spec/syncPolicy/automated'];

/**
 * Returns whether the parent's automated sync overwrites the sync policy. `ignoreDifferences` prevents that only with
 * the sync option `RespectIgnoreDifferences`.
 */
function restoresSyncPolicy({ spec }: Application): boolean {
  const automated = spec.syncPolicy?.automated;
  if (!automated || automated.enabled === false) return false;
  const isRespected = spec.syncPolicy?.syncOptions?.includes('RespectIgnoreDifferences=true') === true;
  const isIgnored = (spec.ignoreDifferences ?? []).some(
    ({ group, kind, jsonPointers }) =>
      (kind === 'Application' || kind === '*') &&
      (group === '*' || group === 'argoproj.io') &&
      (jsonPointers ?? []).some((pointer) => SYNC_POLICY_POINTERS.includes(pointer)),
  );
  return !(isRespected && isIgnored);
}
