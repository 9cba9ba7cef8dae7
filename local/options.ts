/** Options of a program, read strictly: a mistake in them names what there is. */
import { type ParseArgsConfig, parseArgs } from "node:util";

type Known = NonNullable<ParseArgsConfig["options"]>;

export class OptionsMistake extends Error {
  constructor(message: string) {
    super(message);
    this.name = "OptionsMistake";
  }
}

/** Throws OptionsMistake, one sentence. `--no-x` turns a boolean off. */
export function optionsIn<const T extends Known>(
  options: T,
  args: readonly string[] = process.argv.slice(2),
) {
  try {
    return parseArgs({ options, args: [...args], allowNegative: true }).values;
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    if (code?.startsWith("ERR_PARSE_ARGS") !== true) throw error;
    // Node adds how to pass a word that begins with a dash, which no program here takes.
    const what = message.split(". To specify")[0]!.replace(/\.$/, "");
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new OptionsMistake(`${what}; there are ${names.join(", ")}`);
  }
}

/** For a script: says what is wrong and ends with 2, or prints its help and ends. */
export function scriptOptions<const T extends Known>(help: string, options: T) {
  try {
    const values = optionsIn({ ...options, help: { type: "boolean", default: false } });
    if (!("help" in values) || values.help !== true) return values as ReturnType<typeof optionsIn<T>>;
    process.stdout.write(`${help.trimEnd()}\n`);
    return process.exit(0);
  } catch (error) {
    if (!(error instanceof OptionsMistake)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}
