import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
import { envDetector, hostDetector, osDetector, processDetector } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { workerDetector } from 'prefork/opentelemetry';

new NodeSDK({
  instrumentations: [getNodeAutoInstrumentations()],
  resourceDetectors: [envDetector, hostDetector, osDetector, processDetector, workerDetector],
  // In place of one that sends: what is exported is looked at by the application.
  traceExporter: {
    export(spans, done) {
      globalThis.exported = spans.at(-1).resource.attributes;
      done({ code: 0 });
    },
    async shutdown() {},
  },
}).start();
