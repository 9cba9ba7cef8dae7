#!/usr/bin/env node
/** `tide`: the owner's verbs on the command line. Each has its own file, read only when it is asked for. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { refuseKeysIn } from "./given-keys.ts";
import type { Given, Verb } from "./verb.ts";

const USAGE = 2;
const REFUSED = 3;
const UNCERTAIN = 4;
const USAGE_ERRORS = [
  "UsageError",
  "DeskError",
  "MachineError",
  "CloudError",
  "KeyUnavailable",
  "DeploymentError",
];

// Half of a command's time is compiling. In the package's own folder: what lies in the shared one of the machine could be
// another user's.
enableCompileCache(join(import.meta.dirname, "../../node_modules/.cache/tide"));

type Asked = { readonly verb: Verb; readonly given: Given };

/** After a word that does not exist: those that do. */
function choicesFor(code: string, program: Command, words: readonly string[]): string {
  let at = program;
  for (const word of words) at = at.commands.find((one) => one.name() === word) ?? at;
  if (code === "commander.unknownCommand")
    return `there are ${at.commands.map((one) => one.name()).join(", ")}\n`;
  if (code !== "commander.unknownOption") return "";
  const known = at === program ? at.options : [...at.options, ...program.options];
  return `there are ${known.map(({ long }) => long).join(", ")}, --help\n`;
}

function programOf(ask: (asked: Asked) => void): Command {
  const program = new Command("tide")
    .description(
      "Scheduled buys at Kraken. Without other settings it works on play money, in the folder .tide; with --aws on your deployment.",
    )
    .option("--state <dir>", "folder of the state", ".tide")
    .option("--plans <file>", "file of the plans (default: tide.yaml, or else tide.example.yaml)")
    .addOption(
      new Option(
        "--exchange <where>",
        "sandbox, kraken, or the http://127.0.0.1:PORT of a separate sandbox (default: what the state folder was made with)",
      ).argParser(exchangeIn),
    )
    .option("--aws", "work on the deployment in your AWS account")
    .option("--outputs <file>", "with --aws: what the deploy wrote (default: cdk.outputs.json)")
    .option("--json", "print JSON for programs")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      "after",
      "\nExit codes: 0 done, skipped or waiting; 1 failed; 2 a mistake in what was asked; 3 refused; 4 uncertain",
    )
    .exitOverride();
  const load =
    (name: string) =>
    async (...parts: unknown[]) => {
      const command = parts.at(-1) as Command;
      const { default: verb } = (await import(`./${name}.ts`)) as { default: Verb };
      ask({ verb, given: { args: command.args, options: command.optsWithGlobals() } });
    };

  program
    .command("next")
    .description("the coming firings, with their amounts")
    .option("--count <n>", "how many", countIn, 5)
    .action(load("next"));
  program
    .command("buy")
    .description("fire a plan now")
    .argument("<plan>", "id of the plan")
    .option("--yes", "do not ask")
    .option("--key <key>", "your own name for this buy: the same name never buys twice")
    .action(load("buy"));
  program.command("status").description("plans, caps, the key, and what is open").action(load("status"));
  program
    .command("why")
    .description("all that is known of a run")
    .argument("<run>", "id of the run, as history prints it")
    .action(load("why"));
  program.command("history").description("every run, oldest first").action(load("history"));
  program
    .command("pause")
    .description("let a plan buy nothing until it is resumed")
    .argument("<plan>", "id of the plan")
    .action(load("pause"));
  program
    .command("resume")
    .description("let a paused plan go on; without a plan, turn the kill switch off")
    .argument("[plan]", "id of the plan")
    .action(load("resume"));
  program
    .command("kill")
    .description("stop everything: nothing more is ordered, our open orders are cancelled")
    .action(load("kill"));
  program
    .command("arm")
    .description("let live orders be placed, for exactly these plans and caps; the monthly cap is typed back")
    .action(load("arm"));
  program.command("disarm").description("place no live order until armed again").action(load("disarm"));
  program
    .command("resolve")
    .description("ask the exchange again about an order that stayed in doubt, and go on with what it shows")
    .argument("<run>", "id of the run")
    .action(load("resolve"));
  program
    .command("cost")
    .description("what these plans cost on AWS in a month, line by line, beside Kraken's own recurring buys")
    .addOption(
      new Option("--egress <how>", "the way to Kraken (default: what the plans file says)").choices([
        "nat-gateway",
        "nat-instance",
        "none",
      ]),
    )
    .option(
      "--region <name>",
      "region of AWS (default: that of cdk.outputs.json, or AWS_REGION, or us-east-1)",
    )
    .addOption(
      new Option(
        "--nat-zones <n>",
        "zones with a fixed address of their own (default: what cdk.json says, or 1)",
      ).choices(["1", "2"]),
    )
    .addHelpText(
      "after",
      "\nIt reads files alone: the plans, cdk.json and cdk.outputs.json. No machine is opened, nobody is asked.",
    )
    .action(load("cost"));
  program
    .command("doctor")
    .description("what must be right, as a green and red list; with --aws of the deployment")
    .action(load("doctor"));
  program
    .command("deploy")
    .description("bring the plans onto AWS, in your own account: says what it will do, and asks first")
    .option("--yes", "do not ask")
    .option("--explain", "only say what would be done")
    .action(load("deploy"));
  program
    .command("destroy")
    .description("take the deployment away; ledger, keys and addresses stay unless told otherwise")
    .option("--yes", "do not ask")
    .option("--with-state", "the State stack, too; what AWS keeps all the same is listed")
    .action(load("destroy"));
  const keys = program.command("keys").description("the API keys of the exchange");
  keys
    .command("set")
    .description("store an API key: asked for at a hidden prompt, or read from standard input")
    .option("--account <name>", "account (default: the first one)")
    .addOption(new Option("--use <use>", "what it is for").choices(["trade", "read"]).default("trade"))
    .action(load("keys-set"));
  keys
    .command("check")
    .description("ask the exchange what the keys may do, and judge it")
    .option("--account <name>", "account (default: the first one)")
    .action(load("keys-check"));
  return program;
}

function countIn(text: string): number {
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count >= 1 && count <= 200) return count;
  throw new InvalidArgumentError("expected a whole number from 1 to 200.");
}

function exchangeIn(text: string): string {
  if (text === "sandbox" || text === "kraken" || /^http:\/\/127\.0\.0\.1:\d{1,5}\/?$/.test(text)) {
    return text.replace(/\/$/, "");
  }
  throw new InvalidArgumentError("expected sandbox, kraken, or http://127.0.0.1:PORT.");
}

async function main(words: readonly string[]): Promise<number> {
  const asked: Asked[] = [];
  const program = programOf((one) => asked.push(one));
  try {
    refuseKeysIn(words);
    await program.parseAsync(words, { from: "user" });
    const [one] = asked;
    return one === undefined ? 0 : await one.verb(one.given);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      process.stderr.write(choicesFor(error.code, program, words)); // It has said why
      return USAGE;
    }
    const { name, message } = error as Error;
    process.stderr.write(`${message}\n`);
    if (name === "DeskRefusal") return REFUSED;
    if (name === "DeskUncertain") return UNCERTAIN;
    return USAGE_ERRORS.includes(name) ? USAGE : 1;
  }
}

// A reader such as `head` may leave early.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
process.exitCode = await main(process.argv.slice(2));
