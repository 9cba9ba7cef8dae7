/**
 * EventBridge Scheduler's schedules and their groups, kept and told. Nothing fires here: on one machine that is the business
 * of local/machine/scheduler.ts, which reads the plans themselves.
 */
import type { Clock } from "../../../shared/app/clock.ts";
import { type Database, under } from "../database.ts";
import { AwsError, unknownOperation } from "../errors.ts";
import { textIn, wholeIn } from "../input.ts";
import { ACCOUNT, type Input, type Output, type Service } from "../service.ts";
import { Turns } from "../turns.ts";
import {
  DEFAULT_GROUP,
  groupIn,
  invalid,
  nameIn,
  type Schedule,
  saidIn,
  summary,
  whole,
} from "./schedule.ts";

type Group = { readonly name: string; readonly createdAt: number };

const GROUPS = "schedule-group~";
const SCHEDULES = "schedule~";
const PAGE_MAX = 100;

const operations = [
  "CreateSchedule",
  "CreateScheduleGroup",
  "DeleteSchedule",
  "GetSchedule",
  "GetScheduleGroup",
  "ListSchedules",
  "UpdateSchedule",
];

export class Scheduler implements Service {
  readonly operations = operations;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #region: string;
  readonly #turns = new Turns();
  readonly #groups = new Map<string, Group>();
  /** By `group~name`: neither may hold a `~`. */
  readonly #schedules = new Map<string, Schedule>();

  private constructor(database: Database, clock: Clock, region: string) {
    this.#database = database;
    this.#clock = clock;
    this.#region = region;
    this.#groups.set(DEFAULT_GROUP, { name: DEFAULT_GROUP, createdAt: 0 });
  }

  static async open(database: Database, clock: Clock, region: string): Promise<Scheduler> {
    const scheduler = new Scheduler(database, clock, region);
    for await (const group of database.values(under(GROUPS))) {
      scheduler.#groups.set((group as Group).name, group as Group);
    }
    for await (const [key, schedule] of database.entries(under(SCHEDULES))) {
      scheduler.#schedules.set(key.slice(SCHEDULES.length), schedule as Schedule);
    }
    return scheduler;
  }

  async call(operation: string, input: Input): Promise<Output> {
    switch (operation) {
      case "CreateScheduleGroup":
        return this.#turns.take(() => this.#createGroup(input));
      case "GetScheduleGroup":
        return this.#group(nameIn(input, "Name"));
      case "CreateSchedule":
        return this.#turns.take(() => this.#create(input));
      case "UpdateSchedule":
        return this.#turns.take(() => this.#update(input));
      case "DeleteSchedule":
        return this.#turns.take(() => this.#delete(input));
      case "GetSchedule":
        return whole(this.#find(input));
      case "ListSchedules":
        return this.#list(input);
      default:
        throw unknownOperation();
    }
  }

  async #createGroup(input: Input): Promise<Output> {
    const name = nameIn(input, "Name");
    if (this.#groups.has(name)) throw conflict(`Schedule group ${name} already exists.`);
    const group: Group = { name, createdAt: this.#clock.now() };
    await this.#database.batch([{ type: "put", key: GROUPS + name, value: group }]);
    this.#groups.set(name, group);
    return { ScheduleGroupArn: this.#arn("schedule-group", name) };
  }

  #group(name: string): Output {
    const group = this.#groups.get(name);
    if (group === undefined) throw notFound(`Schedule group ${name} does not exist.`);
    const at = group.createdAt / 1000;
    const Arn = this.#arn("schedule-group", name);
    return { Arn, Name: name, State: "ACTIVE", CreationDate: at, LastModificationDate: at };
  }

  async #create(input: Input): Promise<Output> {
    const name = nameIn(input, "Name");
    const group = groupIn(input);
    this.#group(group);
    const said = saidIn(input);
    const token = textIn(input, "ClientToken");
    const known = this.#schedules.get(`${group}~${name}`);
    if (known !== undefined) {
      if (token !== undefined && token === known.token) return { ScheduleArn: known.arn };
      throw conflict(`Schedule ${name} already exists.`);
    }
    const arn = this.#arn("schedule", `${group}/${name}`);
    const now = this.#clock.now();
    return this.#write({ group, name, arn, createdAt: now, changedAt: now, token, said });
  }

  async #update(input: Input): Promise<Output> {
    const known = this.#find(input);
    return this.#write({ ...known, changedAt: this.#clock.now(), said: saidIn(input) });
  }

  async #write(schedule: Schedule): Promise<Output> {
    const key = `${schedule.group}~${schedule.name}`;
    await this.#database.batch([{ type: "put", key: SCHEDULES + key, value: schedule }]);
    this.#schedules.set(key, schedule);
    return { ScheduleArn: schedule.arn };
  }

  async #delete(input: Input): Promise<Output> {
    const { group, name } = this.#find(input);
    const key = `${group}~${name}`;
    await this.#database.batch([{ type: "del", key: SCHEDULES + key }]);
    this.#schedules.delete(key);
    return {};
  }

  #find(input: Input): Schedule {
    const name = nameIn(input, "Name");
    const group = groupIn(input);
    this.#group(group);
    const schedule = this.#schedules.get(`${group}~${name}`);
    if (schedule === undefined) throw notFound(`Schedule ${name} does not exist.`);
    return schedule;
  }

  /** By name. A page goes on after the last name of the one before, so that what is deleted in between hides nothing. */
  #list(input: Input): Output {
    const size = wholeIn(input, "MaxResults") ?? PAGE_MAX;
    if (size < 1 || size > PAGE_MAX) throw invalid(`Value '${size}' at 'MaxResults' must be from 1 to 100`);
    const group = input.GroupName === undefined ? undefined : groupIn(input);
    if (group !== undefined) this.#group(group);
    const prefix = textIn(input, "NamePrefix") ?? "";
    const state = textIn(input, "State");
    const after = afterOf(textIn(input, "NextToken"));
    const left = [...this.#schedules]
      .filter(
        ([key, schedule]) =>
          (group === undefined || schedule.group === group) &&
          schedule.name.startsWith(prefix) &&
          (state === undefined || schedule.said.State === state) &&
          key > after,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const page = left.slice(0, size);
    const last = left.length > size ? page.at(-1)![0] : undefined;
    return {
      Schedules: page.map(([, schedule]) => summary(schedule)),
      ...(last === undefined ? {} : { NextToken: Buffer.from(last).toString("base64") }),
    };
  }

  #arn(kind: string, name: string): string {
    return `arn:aws:scheduler:${this.#region}:${ACCOUNT}:${kind}/${name}`;
  }
}

function afterOf(token: string | undefined): string {
  if (token === undefined) return "";
  const key = Buffer.from(token, "base64").toString("utf8");
  if (/^[\w.-]+~[\w.-]+$/.test(key)) return key;
  throw invalid("Invalid NextToken.");
}

const conflict = (message: string) => new AwsError("ConflictException", message, { status: 409 });

const notFound = (message: string) => new AwsError("ResourceNotFoundException", message, { status: 404 });
