/** How the owner makes an API key that the functions take: the same boxes as their own check asks for. */
import { checkKey, type KeyUseKind } from "../../shared/domain/key-check.ts";
import { epochMs } from "../../shared/domain/time.ts";

/** On Kraken's page "Create API key". The check itself is asked, so that this list is never another one than its own. */
export function tickBoxes(use: KeyUseKind): readonly string[] {
  const nothingTicked = {
    name: "",
    permissions: [],
    nonceWindow: 0n,
    ipAllowList: [],
    validUntil: undefined,
    queryFrom: undefined,
    queryTo: undefined,
    iban: "",
  };
  const { problems } = checkKey(nothingTicked, use, epochMs(0), { name: undefined, addresses: undefined });
  return problems.flatMap((problem) => /^the tick box "(.+)" is off; turn it on$/.exec(problem)?.[1] ?? []);
}

export type KeyWanted = {
  readonly keyName: string;
  /** None: the deployment has no fixed address. */
  readonly addresses: readonly string[];
};

export function keyStepsText({ keyName, addresses }: KeyWanted): string {
  const boxes = tickBoxes("trade");
  return [
    "  At Kraken: Settings, API, Create API key\n",
    `    Key name                    ${keyName}\n`,
    ...boxes.map(
      (box, at) => `    ${at === 0 ? "Tick exactly these" : "                  "}          ${box}\n`,
    ),
    "    Never                       Funds permissions: Withdraw (such a key is refused)\n",
    addresses.length === 0
      ? "    IP address restriction      cannot be used: with egress none nothing has a fixed address\n"
      : `    IP address restriction      on: ${addresses.join(", ")}\n`,
    "    Custom nonce window         0\n",
    "    Key expiration, Query start/end date    off\n",
  ].join("");
}
