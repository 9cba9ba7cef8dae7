/** REST with JSON, the protocol of EventBridge Scheduler: the operation is in method and path, members are spread over all. */
import { serializationError, unknownOperation } from "./errors.ts";
import type { Input } from "./service.ts";

type Route = { readonly method: string; readonly path: RegExp; readonly operation: string };

const routes: readonly Route[] = [
  { method: "POST", path: /^\/schedule-groups\/([^/]+)$/, operation: "CreateScheduleGroup" },
  { method: "GET", path: /^\/schedule-groups\/([^/]+)$/, operation: "GetScheduleGroup" },
  { method: "POST", path: /^\/schedules\/([^/]+)$/, operation: "CreateSchedule" },
  { method: "GET", path: /^\/schedules\/([^/]+)$/, operation: "GetSchedule" },
  { method: "PUT", path: /^\/schedules\/([^/]+)$/, operation: "UpdateSchedule" },
  { method: "DELETE", path: /^\/schedules\/([^/]+)$/, operation: "DeleteSchedule" },
  { method: "GET", path: /^\/schedules$/, operation: "ListSchedules" },
];

/** What a member is called in the query, where that is not its name. */
const queryNames: Record<string, string> = {
  ScheduleGroup: "GroupName",
  groupName: "GroupName",
  clientToken: "ClientToken",
};

export const isRestPath = (path: string): boolean => /^\/schedule(s|-groups)(?=[/?]|$)/.test(path);

/** Members of the body, the query and the path, in rising order of their say. */
export function parseRest(
  { method, path }: { readonly method: string; readonly path: string },
  body: Input,
): { readonly operation: string; readonly input: Input } {
  const { pathname, searchParams } = new URL(path, "http://localhost");
  for (const route of routes) {
    const found = route.method === method ? route.path.exec(pathname) : null;
    if (found === null) continue;
    const query = [...searchParams].map(([name, value]) => [
      queryNames[name] ?? name,
      name === "MaxResults" && /^\d+$/.test(value) ? Number(value) : value,
    ]);
    const label = found[1] === undefined ? {} : { Name: decoded(found[1]) };
    return { operation: route.operation, input: { ...body, ...Object.fromEntries(query), ...label } };
  }
  throw unknownOperation();
}

function decoded(label: string): string {
  try {
    return decodeURIComponent(label);
  } catch {
    throw serializationError("the path is not encoded as a URI");
  }
}
