/** `tide doctor`: what must be right, as a green and red list. */
import { styleText } from "node:util";
import type { Settings } from "../../shared/domain/plan.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { type Check, isFine, tried } from "../doctor/check.ts";
import { checkPlans } from "../doctor/plans.ts";
import { keptIn } from "../machine/state-dir.ts";
import { outputsFileOf, plansFileOf, progress, withDoor } from "./door.ts";
import { print, printJson, table } from "./text.ts";
import type { Given, Options } from "./verb.ts";

export default async function doctor({ options }: Given): Promise<number> {
  const plansFile = plansFileOf(options);
  // By the clock of the folder: that of a demo has been moved ahead.
  const kept = options.aws ? undefined : keptIn(options.state);
  const now = epochMs(Math.max(Date.now(), kept?.clockAt ?? 0));
  const { checks: ofPlans, plans } = await checkPlans(plansFile, now);
  const rest =
    plans === undefined
      ? []
      : await (options.aws ? ofDeployment(options, plansFile) : ofMachine(options, plans.settings));
  const checks = [...ofPlans, ...rest];
  if (options.json) printJson({ fine: isFine(checks), checks });
  else print(doctorText(checks, { colors: process.stdout.hasColors?.() === true }));
  return isFine(checks) ? 0 : 3;
}

async function ofMachine(options: Options, settings: Settings): Promise<readonly Check[]> {
  const { checkMachine } = await import("../doctor/machine.ts");
  return tried("state folder", () =>
    withDoor(options, (door) => checkMachine(door, options.state, settings)),
  );
}

async function ofDeployment(options: Options, plansFile: string): Promise<readonly Check[]> {
  const [{ connectDeployment }, { deployedPlace }, { checkDeployment }, { OwnersDesk }] = await Promise.all([
    import("../deployment/connect.ts"),
    import("../deployment/place.ts"),
    import("../doctor/deployment.ts"),
    import("../desk/owners-desk.ts"),
  ]);
  return tried("outputs", async () => {
    const at = await connectDeployment({ outputsFile: outputsFileOf(options), plansFile });
    const desk = new OwnersDesk(deployedPlace(at, progress));
    return checkDeployment(at, desk).finally(() => at.close());
  });
}

const SHOWN = { good: ["ok", "green"], note: ["note", "yellow"], bad: ["MEND", "red"] } as const;

export function doctorText(checks: readonly Check[], { colors }: { colors: boolean }): string {
  const rows = checks.map(({ what, state, text }) => [SHOWN[state][0], what, text]);
  const lines = table(rows).split("\n");
  const colored = lines.map((line, at) => {
    const check = checks[at];
    return check === undefined || !colors
      ? line
      : line.replace(/^\S+/, (word) => styleText(SHOWN[check.state][1], word, { validateStream: false }));
  });
  const wrong = checks.filter(({ state }) => state === "bad").length;
  const verdict = wrong === 0 ? "All is well." : `${wrong} ${wrong === 1 ? "thing" : "things"} to mend.`;
  return `${colored.join("\n")}\n${verdict}\n`;
}
