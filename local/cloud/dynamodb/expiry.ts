/**
 * Time to live: which items are due, by the clock this endpoint was given.
 *
 * An item goes as soon as its second has passed. AWS takes up to some days, so nobody may rely on the moment.
 */
import type { Clock } from "../../../shared/app/clock.ts";
import { type Database, under } from "../database.ts";
import { AwsError } from "../errors.ts";
import type { Input, Output } from "../service.ts";
import { type Item, plainKeyOf, type Table, tableOf } from "./engine.ts";
import type { Store } from "./store.ts";

const SETTINGS = "ttl~";
// AWS leaves items alone whose time is more than five years past: a mistaken unit must not empty a table.
const OLDEST_SECONDS = 5 * 365 * 86_400;

export class Expiry {
  readonly #database: Database;
  readonly #clock: Clock;
  /** Table name → attribute that holds the second of expiry. */
  readonly #attributes = new Map<string, string>();
  /** Table name → item key → second of expiry. */
  readonly #seconds = new Map<string, Map<string, number>>();
  #nextSecond = Number.POSITIVE_INFINITY;

  private constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  static async open(database: Database, clock: Clock): Promise<Expiry> {
    const expiry = new Expiry(database, clock);
    for await (const [key, attribute] of database.entries(under(SETTINGS))) {
      await expiry.#watch(key.slice(SETTINGS.length), attribute as string);
    }
    return expiry;
  }

  isDue(): boolean {
    return this.#nextSecond <= this.#nowSeconds();
  }

  due(): { table: string; key: string }[] {
    const now = this.#nowSeconds();
    const due = [...this.#seconds].flatMap(([table, items]) =>
      [...items].filter(([, second]) => second <= now).map(([key]) => ({ table, key })),
    );
    // What is due now either goes or stays for good; it must not be found due again.
    for (const { table, key } of due) this.#seconds.get(table)?.delete(key);
    this.#findNext();
    return due;
  }

  isExpired(table: string, item: Item): boolean {
    const second = this.#secondOf(table, item);
    return (
      second !== undefined && second <= this.#nowSeconds() && second > this.#nowSeconds() - OLDEST_SECONDS
    );
  }

  follow(changes: readonly { table: Table; key: string; after: Item | undefined }[]): void {
    for (const { table, key, after } of changes) this.#note(table.TableName, key, after);
  }

  async update(input: Input, store: Store): Promise<Output> {
    const name = String(input.TableName);
    const wanted = input.TimeToLiveSpecification as
      | { Enabled?: unknown; AttributeName?: unknown }
      | undefined;
    await tableOf(name, store);
    if (typeof wanted?.AttributeName !== "string" || typeof wanted.Enabled !== "boolean") {
      throw invalid(
        "1 validation error detected: timeToLiveSpecification must name an attribute and say enabled",
      );
    }
    const known = this.#attributes.get(name);
    if (wanted.Enabled === (known !== undefined)) {
      throw invalid(`TimeToLive is already ${wanted.Enabled ? "enabled" : "disabled"}`);
    }
    if (known !== undefined && known !== wanted.AttributeName) {
      throw invalid(`TimeToLive is active on a different AttributeName: current AttributeName is ${known}`);
    }
    if (wanted.Enabled) {
      await this.#database.batch([{ type: "put", key: SETTINGS + name, value: wanted.AttributeName }]);
      await this.#watch(name, wanted.AttributeName);
    } else {
      await this.#database.batch([{ type: "del", key: SETTINGS + name }]);
      this.#attributes.delete(name);
      this.#seconds.delete(name);
      this.#findNext();
    }
    return { TimeToLiveSpecification: wanted };
  }

  async describe(input: Input, store: Store): Promise<Output> {
    const name = String(input.TableName);
    await tableOf(name, store);
    const attribute = this.#attributes.get(name);
    return {
      TimeToLiveDescription:
        attribute === undefined
          ? { TimeToLiveStatus: "DISABLED" }
          : { TimeToLiveStatus: "ENABLED", AttributeName: attribute },
    };
  }

  async #watch(name: string, attribute: string): Promise<void> {
    this.#attributes.set(name, attribute);
    this.#seconds.set(name, new Map());
    const table = (await this.#database.get(`table~${name}`)) as Table;
    for await (const item of this.#database.values(under(`item-${name}~`))) {
      this.#note(name, plainKeyOf(item as Item, table), item as Item);
    }
  }

  #note(table: string, key: string, item: Item | undefined): void {
    const items = this.#seconds.get(table);
    if (items === undefined) return;
    const second = item === undefined ? undefined : this.#secondOf(table, item);
    if (second === undefined || second <= this.#nowSeconds() - OLDEST_SECONDS) items.delete(key);
    else {
      items.set(key, second);
      this.#nextSecond = Math.min(this.#nextSecond, second);
    }
  }

  #secondOf(table: string, item: Item): number | undefined {
    const value = item[this.#attributes.get(table) as string]?.N;
    return typeof value === "string" ? Number(value) : undefined;
  }

  #findNext(): void {
    this.#nextSecond = Number.POSITIVE_INFINITY;
    for (const items of this.#seconds.values()) {
      for (const second of items.values()) this.#nextSecond = Math.min(this.#nextSecond, second);
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }
}

const invalid = (message: string) => new AwsError("com.amazon.coral.validate#ValidationException", message);
