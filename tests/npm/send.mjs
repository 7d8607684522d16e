// Sends one trace of two spans to the address in argv[2] with the token in argv[3]: JSON, gzip, chunked.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [, , address, token] = process.argv;
const exporter = new OTLPTraceExporter({
  url: `${address}/v1/traces`,
  headers: { Authorization: `Bearer ${token}` },
  compression: "gzip",
});
const results = [];
const watching = {
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      results.push({ code: result.code, error: result.error ? String(result.error) : "" });
      done(result);
    }),
  shutdown: () => exporter.shutdown(),
  forceFlush: () => exporter.forceFlush(),
};
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": "basket", "k8s.namespace.name": "shop" }),
  spanProcessors: [new SimpleSpanProcessor(watching)],
});
const tracer = provider.getTracer("tests");
const start = Date.UTC(2026, 10, 21, 6, 38, 0);
const span = tracer.startSpan("GET /basket", { startTime: start, attributes: { "http.url": "http://shop:hunter2@db/" } });
span.setStatus({ code: 2, message: "i/o timeout" });
span.end(start + 250);
await provider.forceFlush();
await provider.shutdown();
process.stdout.write(JSON.stringify(results));
