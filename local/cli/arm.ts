/** `tide arm`: shows plans and caps, has the monthly cap typed back, and lets live orders be placed for exactly these. */
import type { ArmingView } from "../desk/views.ts";
import { typedBack } from "./ask.ts";
import { withDoor } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function arm({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    door.needSamePlans();
    const { result: shown, label } = await door.ask<ArmingView>("arming");
    process.stderr.write(armingText(shown, label));
    const typed = await typedBack(`Type the monthly cap to arm (${shown.typeBack}): `);
    const { result } = await door.ask<ArmingView>("arm", { typed });
    if (options.json) printJson(result);
    else
      print(`${label}  armed: these plans and caps may place live orders; any change needs a new arming\n`);
    return 0;
  });
}

export const armingText = ({ mode, armed, plans, caps }: ArmingView, label: string): string =>
  [
    `${label}  mode: ${mode}, armed: ${armed}\n`,
    ...plans.map((plan) => `${label}  ${plan}\n`),
    ...caps.map((cap) => `${label}  cap ${cap}\n`),
  ].join("");
