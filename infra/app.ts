/** `npm run synth`: tide.yaml → three stacks. Works without network, account or docker; with a mistake nothing is made. */
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { epochMs } from "../shared/domain/time.ts";
import { acknowledge } from "./acknowledged.ts";
import { bundle } from "./bundle.ts";
import { readChoices, readPlans, SettingsError } from "./settings.ts";
import { tidekeeper } from "./tidekeeper.ts";

const BUILD = join(import.meta.dirname, "../build");

try {
  // Not by itself at the end, which would make an empty assembly out of a mistake.
  const app = new App({ autoSynth: false });
  const deployment = readPlans(app.node, epochMs(Date.now()));
  const stacks = tidekeeper(app, deployment, readChoices(app.node), (name) =>
    bundle(name, deployment.settingsText, BUILD),
  );
  acknowledge(Object.values(stacks));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
