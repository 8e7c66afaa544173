{{- define "eclaireur.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.postgresql.enabled) -}}
{{- fail "replicas > 1 needs PostgreSQL: set postgresql.enabled and postgresql.secret" -}}
{{- end -}}
{{- if and .Values.postgresql.enabled (not .Values.postgresql.secret) -}}
{{- fail "postgresql.secret must name a Secret with DATABASE_URL, ECLAIREUR_SECRET_KEY and ECLAIREUR_MASTER_KEY" -}}
{{- end -}}
{{- end -}}

{{- define "eclaireur.labels" -}}
app.kubernetes.io/name: eclaireur
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "eclaireur.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
terminationGracePeriodSeconds: 45
volumes:
  - name: data
    persistentVolumeClaim:
      claimName: {{ .Release.Name }}-eclaireur
  - name: tmp
    emptyDir: {}
{{- end -}}

{{- define "eclaireur.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: ["ALL"]
env:
  - name: ECLAIREUR_URL
    value: "https://{{ .Values.host }}"
{{- if .Values.postgresql.enabled }}
  - name: ECLAIREUR_CLEAR_HOSTS
    value: "{{ .Values.postgresql.clearHost }}"
{{- range $name := list "DATABASE_URL" "ECLAIREUR_SECRET_KEY" "ECLAIREUR_MASTER_KEY" }}
  - name: {{ $name }}
    valueFrom:
      secretKeyRef:
        name: {{ $.Values.postgresql.secret }}
        key: {{ $name }}
{{- end }}
{{- end }}
volumeMounts:
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
{{- end -}}
