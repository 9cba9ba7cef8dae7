/** Guesses at the schedule that an owner meant: other words for it, other clocks, and Unix cron. */

const DAY =
  "(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|mon?day|tuesday|wednesday|thursday|friday|saturday|sunday)";
/** A Monday, so that it fits both `2 weeks monday` and `3 days`. */
const FROM = "2026-01-05";

/** The first guess that reads as a schedule. */
export function everyMeant(text: string, isEvery: (text: string) => boolean): string | undefined {
  if (text.length > 120) return undefined;
  for (const guess of guesses(text.trim().toLowerCase().replace(/\s+/g, " "))) {
    const plain = guess.startsWith("cron(") ? guess.replace(/[a-z]+(?=[^(a-z])/g, upper) : guess;
    if (isEvery(plain)) return plain;
  }
  return undefined;
}

const upper = (word: string, at: number): string => (at === 0 ? word : word.toUpperCase());

function* guesses(text: string): Generator<string> {
  yield* cronGuesses(text);
  const words = clocked(worded(text));
  yield words;
  yield words.replace(/^month (29|30|31)\b/, "month last day");
  yield `${words} 08:00`;
  yield words.replace(/^month (29|30|31)$/, "month last day 08:00");
  yield `day ${words}`;
  yield `${words} from ${FROM}`;
  yield `${words} 08:00 from ${FROM}`;
  yield words.replace(/^(\d+) weeks (\d\d:\d\d)/, "$1 weeks monday $2");
  yield words.replace(/^(\d+) weeks (\d\d:\d\d)$/, `$1 weeks monday $2 from ${FROM}`);
  yield words.replace(/^(\d+) weeks$/, `$1 weeks monday 08:00 from ${FROM}`);
  yield words.replace(/^(\d+) weeks (\S+)( \d\d:\d\d)?$/, `$1 weeks $2$3 from ${FROM}`);
  const each = /^(\d+) ?(?:m|min|minutes)$/.exec(words)?.[1];
  if (each !== undefined && 60 % Number(each) === 0) yield `cron(0/${each} * * * ? *)`;
  const hours = /^(\d+) ?(?:h|hours)$/.exec(words)?.[1];
  if (hours !== undefined && 24 % Number(hours) === 0) yield `cron(0 0/${hours} * * ? *)`;
  // What is left of days that are named twice
  yield words.replace(/^\S+,\S+/, (days) => [...new Set(days.split(","))].join(","));
}

/** Everyday words as the words of the grammar. */
function worded(text: string): string {
  return text
    .replace(/^rate\((.*)\)$/, "$1")
    .replace(/^(every|each|on) /, "")
    .replace(/^(?:bi-?weekly|fortnightly|other week|second week)/, "2 weeks")
    .replace(/^other day/, "2 days")
    .replace(/^(daily|everyday|days?|1 day)\b(?! \d+ )/, "day")
    .replace(/^(hourly|1 hour|hour)$/, "hour at :00")
    .replace(
      /^hour(?:ly)?(?: at)? :?(\d{1,2})$/,
      (_, minute: string) => `hour at :${minute.padStart(2, "0")}`,
    )
    .replace(/^(?:weekly|1 weeks?|week)(?: on)?\b/, "monday")
    .replace(new RegExp(`^monday (?=${DAY})`), "")
    .replace(/^(?:monthly|1 month)\b(?: on)?(?: the)?/, "month 1")
    .replace(/^month 1 (?=(\d+|last day)\b(?!:))/, "month ")
    .replace(/^(?:last day of (?:the )?month|month last(?! day))/, "month last day")
    .replace(/^(weekday|workdays?|business days?)\b/, "weekdays")
    .replace(/^weekends?\b/, "saturday,sunday")
    .replace(/^(?:month )?(\d+)(?:st|nd|rd|th)(?: of (?:the|each|every) month)?/, "month $1")
    .replace(/^(\d+) day\b/, "$1 days")
    .replace(/^(\d+) week\b/, "$1 weeks")
    .replace(/ ?(,|&| and ) ?/g, ",")
    .replace(new RegExp(`\\b(${DAY})s\\b`, "g"), "$1")
    .replace(/\b(tue)s\b|\b(thu)rs?\b/g, "$1$2")
    .replace(/(?<!hour) (at|@) (?=\d|noon|midnight)/, " ");
}

/** `8am`, `8:00`, `8.00`, `0800`, `8 o'clock` as `08:00`. */
function clocked(text: string): string {
  if (text.startsWith("hour")) return text;
  return text
    .replace(/\bnoon\b/, "12:00")
    .replace(/\bmidnight\b/, "00:00")
    .replace(
      /\b(\d{1,2})(?:[:.](\d\d))? ?([ap])\.?m\b\.?/,
      (whole, hour: string, minute = "00", half: string) =>
        Number(hour) < 1 || Number(hour) > 12
          ? whole
          : `${two((Number(hour) % 12) + (half === "p" ? 12 : 0))}:${minute}`,
    )
    .replace(
      /\b(\d{1,2})(?::(\d\d))?:(\d\d)\b/,
      (_, hour: string, minute: string | undefined, last: string) => `${two(Number(hour))}:${minute ?? last}`,
    )
    .replace(
      /(?<=^|[a-z] )(\d{1,2})(?:\.(\d\d)|h(\d\d)?| o'?clock| uhr)$/,
      (_, hour: string, a = "00", b = a) => `${two(Number(hour))}:${b}`,
    )
    .replace(/(?<=[a-z] )([01]\d|2[0-3])([0-5]\d)$/, "$1:$2");
}

const UNIX_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/** Five fields, with or without `cron( )`; six with the wrong day field left open. */
function* cronGuesses(text: string): Generator<string> {
  const inner = /^(?:cron ?\(([^()]*)\)|([\d*][^()]*))$/.exec(text);
  const fields = (inner?.[1] ?? inner?.[2])?.trim().split(" ");
  if (fields?.length === 6) {
    const [minutes, hours, dayOfMonth, months, dayOfWeek, years] = fields;
    const open = (field = "") => field === "*" || field === "?";
    // The field that names days is the one that was meant; two that do have no single meaning
    if (open(dayOfWeek)) yield `cron(${minutes} ${hours} ${dayOfMonth} ${months} ? ${years})`;
    if (open(dayOfMonth)) yield `cron(${minutes} ${hours} ? ${months} ${dayOfWeek} ${years})`;
    return;
  }
  if (fields?.length !== 5) return;
  const [minutes = "", hours = "", dayOfMonth = "", months = "", unixDays = ""] = fields;
  const days = unixDays.replace(/\b[0-7]\b(?!\/)/g, (day) => UNIX_DAYS[Number(day)]!.toLowerCase());
  const time = /^\d{1,2} \d{1,2}$/.test(`${minutes} ${hours}`)
    ? `${two(Number(hours))}:${two(Number(minutes))}`
    : undefined;
  if (time !== undefined && months === "*") {
    if (unixDays === "*") yield dayOfMonth === "*" ? `day ${time}` : `month ${dayOfMonth} ${time}`;
    if (dayOfMonth === "*") {
      if (days === "mon-fri") yield `weekdays ${time}`;
      yield `${days} ${time}`.replace(/\b(sun|mon|tue|wed|thu|fri|sat)\b/g, longDay);
    }
  }
  if (/^\d{1,2} \* \* \* \*$/.test(fields.join(" "))) yield `hour at :${two(Number(minutes))}`;
  const awsMinutes = minutes.replace(/^\*\//, "0/");
  if (unixDays === "*") yield `cron(${awsMinutes} ${hours} ${dayOfMonth} ${months} ? *)`;
  else if (dayOfMonth === "*") yield `cron(${awsMinutes} ${hours} ? ${months} ${days} *)`;
}

const LONG_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const longDay = (short: string): string => LONG_DAYS.find((day) => day.startsWith(short)) ?? short;

const two = (value: number): string => String(value).padStart(2, "0");
