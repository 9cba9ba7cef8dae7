/** Makes schedules without end until it is killed, and deletes every other one; says so once it has been answered. */
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { VirtualClock } from "../../local/clock.ts";
import { openHouse, START } from "./cloud-house.ts";

const clock = new VirtualClock({ startAt: START, rate: 1 });
const { scheduler } = await openHouse(
  { reach: "in-process", store: "disk" },
  { dir: process.argv[2]!, clock },
);
await scheduler.send(new CreateScheduleGroupCommand({ Name: "plans" }));
const target = {
  Arn: "arn:aws:sqs:us-east-1:000000000000:q",
  RoleArn: "arn:aws:iam::000000000000:role/fires",
};
for (let number = 0; ; number++) {
  const name = { GroupName: "plans", Name: `plan-${number}` };
  await scheduler.send(
    new CreateScheduleCommand({
      ...name,
      ScheduleExpression: "cron(0 8 * * ? *)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: target,
    }),
  );
  process.stdout.write(`made ${name.Name}\n`);
  if (number % 2 === 1) continue;
  await scheduler.send(new DeleteScheduleCommand(name));
  process.stdout.write(`deleted ${name.Name}\n`);
}
