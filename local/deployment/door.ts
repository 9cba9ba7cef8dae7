/** How the command line reaches a deployment on AWS. */

import { OwnersDesk } from "../desk/owners-desk.ts";
import { perform } from "../page/verbs.ts";
import { connectDeployment, explainAws, type Where } from "./connect.ts";
import { deployedPlace, needDeployedPlans, otherPlansText } from "./place.ts";

/** Throws MachineError for mistakes in the plans, DeploymentError when there is no deployment. */
export async function deployedDoor(where: Where, tell: (text: string) => void) {
  const at = await connectDeployment(where);
  const other = otherPlansText(at);
  if (other !== undefined) tell(`warning: ${other}`);
  const desk = new OwnersDesk(deployedPlace(at, tell));
  return {
    async ask(verb: string, args: Record<string, unknown> = {}) {
      try {
        return await perform({ desk }, verb, args);
      } catch (error) {
        throw explainAws(error, at.outputs);
      }
    },
    note: "",
    needSamePlans: () => needDeployedPlans(at),
    // The deployment's own sweep runs each minute.
    sweep: async () => {},
    close: async () => at.close(),
  };
}
