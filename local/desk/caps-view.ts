/** What is used of the caps, for the owner to see. */
import type { Head } from "../../shared/app/ports.ts";
import { amountOfUnits, windowsOf } from "../../shared/domain/caps.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import type { DcaPlan, Settings } from "../../shared/domain/plan.ts";
import type { EpochMs } from "../../shared/domain/time.ts";
import { dayWindow, monthWindow } from "../../shared/domain/zone.ts";
import type { StatusView } from "./views.ts";

/** Of each cap that holds for a plan of the account. */
export function capsView(
  { limits, zone }: Pick<Settings, "limits" | "zone">,
  account: string,
  plans: readonly DcaPlan[],
  head: Head,
  now: EpochMs,
): StatusView["caps"] {
  const assets = [...new Set(plans.map((plan) => plan.pair.quote))];
  return assets
    .flatMap((asset) => windowsOf(limits, asset, dayWindow(now, zone), monthWindow(now, zone)))
    .flatMap(({ asset, code, name, cap }) =>
      cap === undefined
        ? []
        : [
            {
              account,
              asset,
              period: code === "CAP_DAY" ? "day" : "month",
              used: formatShort(amountOfUnits(head.used.get(name) ?? 0n)),
              cap: formatShort(cap),
            } as const,
          ],
    );
}
