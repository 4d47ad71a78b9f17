{{- define "firebreak.fullname" -}}
{{- if contains "firebreak" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-firebreak" (.Release.Name | trunc 40 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "firebreak.selectorLabels" -}}
app.kubernetes.io/name: firebreak
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "firebreak.labels" -}}
{{ include "firebreak.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "firebreak.metadata" -}}
name: {{ include "firebreak.fullname" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "firebreak.labels" . | nindent 2 }}
{{- end }}

{{/*
What Firebreak uses in this cluster, as JSON: {NAMESPACE: {USE: true}}. Entries of the configuration with a `url` are in
another cluster. The uses are the keys of "firebreak.rulesByUse".
*/}}
{{- define "firebreak.uses" -}}
{{- $all := dict }}
{{- if and .Values.rbac.create (not (hasKey .Values.environment "KUBERNETES_URL")) }}
{{- $catalogue := include "firebreak.file" .Values.config.services | fromYaml }}
{{- range $service := values (default dict $catalogue.services) }}
{{- range $environment := values (default dict (default dict $service).environments) }}
{{- $environment = default dict $environment }}
{{- $found := list }}
{{- with $environment.deployer }}
{{- if and (has .kind (list "kubernetes" "argo-rollouts" "flagger")) (not .url) }}
{{- $namespace := default "default" .namespace }}
{{- $found = append $found (list $namespace .kind) }}
{{- if .recordRollouts }}{{ $found = append $found (list $namespace "record-rollouts") }}{{ end }}
{{- if and (hasKey $environment "look") (ne .kind "flagger") }}{{ $found = append $found (list $namespace (printf "%s-look" .kind)) }}{{ end }}
{{- end }}
{{- end }}
{{- with $environment.imageAutomation }}
{{- if not .url }}{{ $found = append $found (list (default "flux-system" .namespace) "image-automation") }}{{ end }}
{{- end }}
{{- with $environment.freezeGates }}
{{- if not .url }}
{{- range .flux }}
{{- $found = append $found (list (default "flux-system" .namespace) (printf "freeze-gate-%s" (lower .kind))) }}
{{- end }}
{{- if .workloads }}
{{- $found = append $found (list (default "firebreak" (default dict .parameters).namespace) "freeze-parameters") }}
{{- end }}
{{- end }}
{{- end }}
{{- with (default dict $environment.canary).traffic }}
{{- if and (has .kind (list "gateway-api" "argo-rollouts" "smi")) (not .url) }}
{{- $found = append $found (list (default "default" .namespace) (printf "canary-%s" .kind)) }}
{{- end }}
{{- end }}
{{- with (default dict $environment.experiments).chaos }}
{{- if and (has .kind (list "litmus" "chaos-mesh")) (not .url) }}
{{- $namespace := default "default" .namespace }}
{{- $found = append $found (list $namespace .kind) }}
{{- if hasKey . "observe" }}{{ $found = append $found (list $namespace (printf "%s-observe" .kind)) }}{{ end }}
{{- end }}
{{- end }}
{{- range $route := values (default dict $environment.reroute) }}
{{- if and (kindIs "map" $route) }}
{{- if and (eq (toString $route.kind) "gateway-api") (not $route.url) }}
{{- $found = append $found (list (default "default" $route.namespace) "reroute-gateway-api") }}
{{- end }}
{{- end }}
{{- end }}
{{- range $found }}
{{- $uses := default dict (get $all (first .)) }}
{{- $_ := set $uses (last .) true }}
{{- $_ := set $all (first .) $uses }}
{{- end }}
{{- end }}
{{- end }}
{{- range $namespace, $_ := .Values.rbac.extraRules }}
{{- $_ := set $all $namespace (default dict (get $all $namespace)) }}
{{- end }}
{{- end }}
{{- toJson $all }}
{{- end }}

{{/* The rules of each use, as in docs/how-to/kubernetes.md, docs/how-to/freeze-gates.md, and traffic-routers.md,
traffic-routes.md, and experiments.md in docs/reference. */}}
{{- define "firebreak.rulesByUse" -}}
kubernetes:
  - { apiGroups: [apps], resources: [deployments], verbs: [get, patch] }
  - { apiGroups: [''], resources: [pods, events], verbs: [list] }
  - { apiGroups: [apps], resources: [replicasets], verbs: [list] }
  - { apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: [list] }
record-rollouts:
  - { apiGroups: [apps], resources: [deployments], verbs: [list, watch] }
kubernetes-look:
  - { apiGroups: [''], resources: [pods], verbs: [create, delete] }
  - { apiGroups: [''], resources: [services], verbs: [list] }
argo-rollouts:
  - { apiGroups: [argoproj.io], resources: [rollouts, rollouts/status], verbs: [get, patch] }
  - { apiGroups: [''], resources: [pods, events], verbs: [list] }
  - { apiGroups: [apps], resources: [replicasets], verbs: [list] }
  - { apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: [list] }
argo-rollouts-look:
  - { apiGroups: [''], resources: [services], verbs: [list] }
  - { apiGroups: [argoproj.io], resources: [experiments], verbs: [get, create, delete] }
flagger:
  - { apiGroups: [flagger.app], resources: [canaries], verbs: [get] }
  - { apiGroups: [apps], resources: [deployments], verbs: [get, patch] }
  - { apiGroups: [apps], resources: [replicasets], verbs: [list] }
image-automation:
  - { apiGroups: [image.toolkit.fluxcd.io], resources: [imageupdateautomations], verbs: [get, patch] }
freeze-gate-kustomization:
  - { apiGroups: [kustomize.toolkit.fluxcd.io], resources: [kustomizations], verbs: [get, patch] }
freeze-gate-helmrelease:
  - { apiGroups: [helm.toolkit.fluxcd.io], resources: [helmreleases], verbs: [get, patch] }
freeze-parameters:
  - { apiGroups: [''], resources: [configmaps], resourceNames: [{{ include "firebreak.fullname" . }}-freezes], verbs: [get, patch] }
canary-gateway-api:
  - { apiGroups: [gateway.networking.k8s.io], resources: [httproutes], verbs: [get, patch] }
  - { apiGroups: [apps], resources: [deployments], verbs: [get] }
canary-argo-rollouts:
  - { apiGroups: [argoproj.io], resources: [rollouts], verbs: [get] }
  - { apiGroups: [argoproj.io], resources: [rollouts/status], verbs: [patch] }
  - { apiGroups: [apps], resources: [replicasets], verbs: [list] }
canary-smi:
  - { apiGroups: [split.smi-spec.io], resources: [trafficsplits], verbs: [get, patch] }
  - { apiGroups: [apps], resources: [deployments], verbs: [get] }
litmus:
  - { apiGroups: [litmuschaos.io], resources: [chaosengines], verbs: [get, patch] }
  - { apiGroups: [litmuschaos.io], resources: [chaosresults], verbs: [list] }
litmus-observe:
  - { apiGroups: [litmuschaos.io], resources: [chaosengines], verbs: [list] }
{{- $resources := "awschaos, azurechaos, blockchaos, dnschaos, gcpchaos, httpchaos, iochaos, jvmchaos, kernelchaos, networkchaos, physicalmachinechaos, podchaos, stresschaos, timechaos" }}
chaos-mesh:
  - { apiGroups: [chaos-mesh.org], resources: [{{ $resources }}], verbs: [get, patch] }
chaos-mesh-observe:
  - { apiGroups: [chaos-mesh.org], resources: [{{ $resources }}], verbs: [list] }
reroute-gateway-api:
  - { apiGroups: [gateway.networking.k8s.io], resources: [httproutes], verbs: [get, patch] }
{{- end }}

{{/* Not empty: Firebreak uses the API of this cluster. */}}
{{- define "firebreak.usesCluster" -}}
{{- if ne (include "firebreak.uses" .) "{}" }}true{{ end }}
{{- end }}

{{/* The text of a configuration file, which is given as text or as values. */}}
{{- define "firebreak.file" -}}
{{- if kindIs "string" . }}{{ trim . }}{{ else }}{{ toYaml . }}{{ end }}
{{- end }}
