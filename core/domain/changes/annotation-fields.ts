/** Names of fields in tags and in lines of a text. Dots, hyphens, and blanks in them are underscores. `place`: they can have an environment. */
const NAMES_OF = {
  service: 'service service_name svc app application',
  environment:
    'environment environment_name env env_name deployment_environment deployment_environment_name deploy_environment deployment_env deploy_env target_environment target_env',
  version: 'version ver service_version app_version release tag image_tag',
  image: 'image',
  commit: 'commit sha commit_sha commit_hash commit_id git_commit git_sha revision',
  author: 'author',
  place: 'stage target namespace kubernetes_namespace k8s_namespace k8s_namespace_name',
  // One cluster can have several environments.
  cluster: 'cluster cluster_name k8s_cluster_name',
} as const;
export type FieldName = keyof typeof NAMES_OF;

const FIELDS: ReadonlyMap<string, FieldName> = new Map(
  (Object.entries(NAMES_OF) as [FieldName, string][]).flatMap(([field, names]) =>
    names.split(' ').map((name) => [name, field] as const),
  ),
);

/** Returns the field with a name. Undefined: it is none. */
export const fieldNamed = (name: string): FieldName | undefined =>
  FIELDS.get(
    name
      .trim()
      .toLowerCase()
      .replaceAll(/[\s.-]/g, '_'),
  );
