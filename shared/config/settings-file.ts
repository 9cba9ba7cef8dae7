/**
 * Settings between the build and the functions. tide.yaml is read and checked once, when the bundles are made; what they
 * carry is its result, so that no container reads YAML and none starts with a mistake in it.
 *
 * Promise, a property test: settings that go through this file are the same, to the hash that `tide arm` stores.
 */
import { fromDoc, toDoc } from "../domain/doc.ts";
import type { Settings } from "../domain/plan.ts";

/** Beside the bundle's index.js. */
export const SETTINGS_FILE = "settings.json";

/** Of the file's shape. A bundle never meets another one, except by a mistake in the build. */
const SCHEMA = 1;

export const settingsText = (settings: Settings): string => toDoc({ schema: SCHEMA, settings });

/** Throws for text that `settingsText` did not write. */
export function readSettingsText(text: string): Settings {
  const { schema, settings } = fromDoc(text) as { schema?: unknown; settings?: Settings };
  if (schema !== SCHEMA || settings === undefined)
    throw new Error(
      `the bundle's settings have schema ${String(schema)}, expected ${SCHEMA}: build it again`,
    );
  return settings;
}
