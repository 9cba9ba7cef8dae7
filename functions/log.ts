/** What the functions print: one JSON line for each step, and CloudWatch's embedded metric format for the alarms. */
import type { Event } from "../shared/app/ports.ts";
import { METRIC_NAMESPACE } from "../shared/config/names.ts";
import type { MetricName } from "../shared/domain/metrics.ts";

/** Straight to the streams: `console.log` puts a prefix or an envelope around a line, and no metric is read out of it. */
const lineOf = (line: object): string => `${JSON.stringify(line)}\n`;
const print = (line: object): void => void process.stdout.write(lineOf(line));

export const logLine = (event: Event): void => print(event);

/** To stderr: stdout is the machine's own voice where these functions run on one. */
export const logError = (name: string, message: string): void =>
  void process.stderr.write(lineOf({ level: "error", name, message }));

/** docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
export const metricLine = (metric: MetricName, value: number, atMs: number): object => ({
  _aws: {
    Timestamp: atMs,
    CloudWatchMetrics: [
      { Namespace: METRIC_NAMESPACE, Dimensions: [[]], Metrics: [{ Name: metric, Unit: "None" }] },
    ],
  },
  [metric]: value,
});

export const logMetric = (metric: MetricName, value: number, atMs: number): void =>
  print(metricLine(metric, value, atMs));
