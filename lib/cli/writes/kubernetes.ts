import { DEFAULTS } from '../../manager/settings';
import { STATUS_PORT } from './docker';
import type { Subject } from './subject';

/** Seconds in which load balancers learn that a pod is about to end. */
const DELAY = 5;
const GRACE = DELAY + DEFAULTS.gracefulTimeout / 1000 + 10;
/** Between two probes of one that starts. */
const PERIOD = 2;

export function forKubernetes({ name, port }: Subject): Record<string, string> {
  const manifest = `# kubectl apply -f kubernetes.yaml
# The image is that of the Dockerfile: prefork init docker
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: 2
  selector:
    matchLabels: { app: ${name} }
  template:
    metadata:
      labels: { app: ${name} }
    spec:
      # The delay of preStop, --graceful-timeout (${DEFAULTS.gracefulTimeout / 1000} s) and a reserve: prefork decides when to stop waiting.
      terminationGracePeriodSeconds: ${GRACE}
      securityContext:
        # The user "node" of the image.
        runAsUser: 1000
        runAsNonRoot: true
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: ${name}
          # A version of its own for each deploy: Kubernetes replaces the pods when it changes.
          image: ${name}:1
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: { drop: [ALL] }
          ports:
            - { name: http, containerPort: ${port} }
            - { name: status, containerPort: ${STATUS_PORT} }
          env:
            # Probes and Prometheus come from outside of the pod; it can be read, and nothing can be changed.
            - { name: PREFORK_STATUS, value: ":${STATUS_PORT}" }
            - { name: PREFORK_STATUS_PUBLIC, value: "true" }
          resources:
            requests: { cpu: "1", memory: 256Mi }
            # There are as many workers as the limit of processors allows, rounded down. Without one there would be as many as
            # the node has processors: then set WEB_CONCURRENCY.
            limits: { cpu: "2", memory: 1Gi }
          # Until half of the workers are ready the other probes wait: for --boot-timeout (${DEFAULTS.bootTimeout / 1000} s), and a reserve.
          startupProbe:
            httpGet: { path: /readyz, port: status }
            periodSeconds: ${PERIOD}
            failureThreshold: ${Math.ceil((DEFAULTS.bootTimeout / 1000) * 1.5) / PERIOD}
          # Requests come while half of the workers or more turn their event loops.
          readinessProbe:
            httpGet: { path: /readyz, port: status }
            periodSeconds: 5
          # The manager restarts workers that hang or crash: only where it has gone itself the container is restarted.
          livenessProbe:
            httpGet: { path: /healthz, port: status }
            periodSeconds: 10
            failureThreshold: 3
          lifecycle:
            # Load balancers may send requests until they know that the pod ends. TERM comes after that.
            preStop:
              exec: { command: [sleep, "${DELAY}"] }
---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  selector: { app: ${name} }
  ports:
    - { name: http, port: 80, targetPort: http }
`;
  return { 'kubernetes.yaml': manifest };
}
